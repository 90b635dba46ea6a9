using ILGPU;
using ILGPU.Algorithms;

namespace GpuConv.Kernels;

/// <summary>Whose statistics a block normalises by.</summary>
internal enum BlockStatistics
{
    /// <summary>It does not normalise.</summary>
    None,

    /// <summary>The batch's: the deviations are inverse ones.</summary>
    Batch,

    /// <summary>The running ones: the deviations are variances.</summary>
    Running,
}

/// <summary>What a block's GPU kernels know of each channel: its bias and normalisation, where there are any.</summary>
internal readonly struct BlockChannels(Tensor<float> any, Tensor<float>? bias, BlockStatistics statistics, NormalizationTensors? norm, Tensor<float>? mean, Tensor<float>? deviation, float epsilon)
{
    // Kernels take no null: what is not there is any other tensor, and not read.
    private readonly ArrayView<float> bias = (bias ?? any).View;
    private readonly ArrayView<float> scale = (norm?.Scale ?? any).View;
    private readonly ArrayView<float> shift = (norm?.Shift ?? any).View;
    private readonly ArrayView<float> mean = (mean ?? any).View;
    private readonly ArrayView<float> deviation = (deviation ?? any).View;
    private readonly int hasBias = bias is null ? 0 : 1;
    private readonly int statistics = (int)statistics;
    private readonly float epsilon = epsilon;

    public float Bias(int k) => hasBias != 0 ? bias[k] : 0;

    public float Mean(int k) => mean[k];

    /// <summary>Results, normalised where they are to be.</summary>
    public Window2x2 Normalize(Window2x2 z, int k) => Normalizes ? z.Affine(mean[k], scale[k] * Inverse(k), shift[k]) : z;

    /// <summary>
    /// The gradient to results z, given that to the normalised ones: with a normalisation
    /// factor (dz - dshift / count - (z - mean) inverse dscale / count), see <see cref="BatchNormalization"/>.
    /// </summary>
    public Window2x2 Gradient(Window2x2 dz, Window2x2 z, int k, BlockGradients g)
    {
        if (!Normalizes) return dz;
        float inverse = Inverse(k);
        return Window2x2.ThroughNormalization(dz, z, mean[k], scale[k] * inverse, g.MeanShift(k), g.MeanScale(k) * inverse);
    }

    private bool Normalizes => statistics != (int)BlockStatistics.None;

    private float Inverse(int k) => statistics == (int)BlockStatistics.Batch ? deviation[k] : 1 / XMath.Sqrt(deviation[k] + epsilon);
}

/// <summary>The gradients to scale and shift of a block's normalisation, divided by the number of values.</summary>
internal readonly struct BlockGradients(Tensor<float> any, Tensor<float>? dscale, Tensor<float>? dshift, float count)
{
    private readonly ArrayView<float> dscale = (dscale ?? any).View;
    private readonly ArrayView<float> dshift = (dshift ?? any).View;
    private readonly float count = count;

    public float MeanScale(int k) => dscale[k] / count;

    public float MeanShift(int k) => dshift[k] / count;
}

using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Normalisation of each image by itself, in groups of channels: Wu and He, Group Normalization, arXiv 1803.08494, section 3; with one group, and a scale and shift for each element, Ba, Kiros and Hinton, Layer
/// Normalization, arXiv 1607.06450, section 3.
/// <code>
/// xn = (x - mean) / sqrt(variance + epsilon)     y = scale xn + shift
/// dshift = sum dy     dscale = sum dy xn     dx = (g - mean of g - xn mean of g xn) / sqrt(variance + epsilon), g = scale dy
/// </code>
/// Mean and (biased) variance are those of a group's elements of one image, taken about the group's first value, so a mean far larger than the deviation costs no digits. Every sum has an order fixed by the
/// shapes. A scale and shift belong to as many consecutive elements of an image as there are to each: to a channel, or to one element.
/// </summary>
public sealed class GroupNormalization
{
    private readonly IGroupNormalizationKernels kernels;
    private readonly ColumnSum columns;
    private readonly GroupLayout layout;
    private readonly Tensor<float> scaleTerms, shiftTerms;

    /// <summary>Prepares the normalisation for a device: loads its kernels and takes what working memory they need.</summary>
    /// <param name="arena">Where working memory comes from; its device runs the kernels.</param>
    /// <param name="channels">Channels, C.</param>
    /// <param name="pixels">H * W; 1 for feature vectors.</param>
    /// <param name="groups">Groups of channels, G.</param>
    /// <param name="parameters">Scales, and shifts: C, or C * H * W for one of each element.</param>
    /// <param name="maxBatch">The largest number of images of one call.</param>
    /// <param name="epsilon">What is added to the variance.</param>
    /// <exception cref="ArgumentException">A size that is not positive, channels that do not divide into the groups, another number of parameters, a negative epsilon.</exception>
    public GroupNormalization(DeviceArena arena, int channels, int pixels, int groups, int parameters, int maxBatch, float epsilon = 1e-5f)
    {
        ArgumentNullException.ThrowIfNull(arena);
        if (channels < 1 || maxBatch < 1 || pixels < 1) throw new ArgumentException($"Group normalisation needs at least one channel, image and pixel, not {channels}, {maxBatch} and {pixels}.");
        if (groups < 1 || channels % groups != 0) throw new ArgumentException($"{channels} channels do not divide into {groups} groups.", nameof(groups));
        if (parameters != channels && parameters != channels * pixels) throw new ArgumentException($"There is a scale for each of {channels} channels or {channels * pixels} elements, not {parameters}.", nameof(parameters));
        if (!(epsilon >= 0)) throw new ArgumentException($"Epsilon is not negative: {epsilon}.", nameof(epsilon));
        layout = new GroupLayout(groups, channels * pixels / groups, channels * pixels / parameters);
        kernels = arena.Device.IsHost ? new GroupNormalizationCpu(arena.Device, layout, epsilon) : new GroupNormalizationGpu(arena.Device, layout, epsilon);
        columns = new ColumnSum(arena.Device);
        scaleTerms = arena.Allocate<float>(new Shape(maxBatch, parameters));
        shiftTerms = arena.Allocate<float>(new Shape(maxBatch, parameters));
    }

    /// <summary>Normalises. Overwrites y, savedMean, savedInverseDeviation.</summary>
    /// <param name="x">(N, C, H, W) or (N, C).</param>
    /// <param name="scale">As many as there are parameters.</param>
    /// <param name="shift">As many.</param>
    /// <param name="y">As x; may be x itself.</param>
    /// <param name="savedMean">(N, G), the mean less the group's first value, for <see cref="Backward"/>.</param>
    /// <param name="savedInverseDeviation">(N, G), 1 / sqrt(variance + epsilon), for <see cref="Backward"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> scale, Tensor<float> shift, Tensor<float> y, Tensor<float> savedMean, Tensor<float> savedInverseDeviation)
    {
        int batch = Batch(x, savedMean, savedInverseDeviation);
        Require.Shape(y, x.Shape);
        RequireParameters(scale, nameof(scale));
        RequireParameters(shift, nameof(shift));
        if (batch > 0) kernels.Forward(batch, x, scale, shift, y, savedMean, savedInverseDeviation);
    }

    /// <summary>The gradients. Overwrites dx and, where they are asked for, dscale and dshift.</summary>
    /// <param name="x">The input of <see cref="Forward"/>.</param>
    /// <param name="scale">Its scale.</param>
    /// <param name="savedMean">(N, G), from <see cref="Forward"/>.</param>
    /// <param name="savedInverseDeviation">(N, G), from <see cref="Forward"/>.</param>
    /// <param name="dy">The gradient to the output, as x.</param>
    /// <param name="dx">The gradient to the input, as x; may be dy itself.</param>
    /// <param name="dscale">As many as there are parameters; null where it is not needed.</param>
    /// <param name="dshift">As many; null where it is not needed.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Backward(Tensor<float> x, Tensor<float> scale, Tensor<float> savedMean, Tensor<float> savedInverseDeviation, Tensor<float> dy, Tensor<float> dx, Tensor<float>? dscale, Tensor<float>? dshift)
    {
        int batch = Batch(x, savedMean, savedInverseDeviation);
        Require.Shape(dy, x.Shape);
        Require.Shape(dx, x.Shape);
        RequireParameters(scale, nameof(scale));
        if (batch == 0) throw new ArgumentException($"There is no batch in {x.Shape}.");
        Tensor<float> scales = scaleTerms.First(batch), shifts = shiftTerms.First(batch);
        kernels.Backward(batch, x, scale, savedMean, savedInverseDeviation, dy, dx, scales, shifts);
        if (dscale is { } ds) columns.Sum(scales, ds.Reshape(new Shape(layout.Parameters)));
        if (dshift is { } dt) columns.Sum(shifts, dt.Reshape(new Shape(layout.Parameters)));
    }

    private int Batch(Tensor<float> x, Tensor<float> mean, Tensor<float> inverseDeviation)
    {
        int batch = x.Shape[0];
        if (batch > scaleTerms.Shape[0] || x.Count != batch * layout.Elements) throw new ArgumentException($"{x.Shape} does not fit: this normalisation was prepared for at most {scaleTerms.Shape[0]} images of {layout.Elements} elements.");
        Require.Shape(mean, new Shape(batch, layout.Groups));
        Require.Shape(inverseDeviation, new Shape(batch, layout.Groups));
        return batch;
    }

    private void RequireParameters(Tensor<float> tensor, string name)
    {
        if (tensor.Count != layout.Parameters) throw new ArgumentException($"There are {layout.Parameters} parameters, not {tensor.Count}.", name);
    }
}

/// <summary>How an image's elements belong to groups and to parameters, both of consecutive elements.</summary>
internal readonly struct GroupLayout(int groups, int groupElements, int parameterElements)
{
    /// <summary>Groups of an image.</summary>
    public readonly int Groups = groups;

    /// <summary>Elements of a group.</summary>
    public readonly int GroupElements = groupElements;

    /// <summary>Elements of a parameter.</summary>
    public readonly int ParameterElements = parameterElements;

    /// <summary>Elements of an image.</summary>
    public int Elements => Groups * GroupElements;

    /// <summary>Parameters of an image.</summary>
    public int Parameters => Elements / ParameterElements;

    /// <summary>Parameters of a group.</summary>
    public int GroupParameters => GroupElements / ParameterElements;

    /// <summary>Runs of a group's elements that a CPU takes one after the other: those of a parameter, or all, where each has its own.</summary>
    public int Runs => ParameterElements == 1 ? 1 : GroupParameters;

    /// <summary>Elements of a run.</summary>
    public int RunElements => GroupElements / Runs;
}

/// <summary>The kernels of group normalisation on one kind of device; arguments are checked already.</summary>
internal interface IGroupNormalizationKernels
{
    void Forward(int batch, Tensor<float> x, Tensor<float> scale, Tensor<float> shift, Tensor<float> y, Tensor<float> mean, Tensor<float> inverse);

    /// <summary>The gradient to the input, and each image's terms (N, parameters) of those to scale and shift.</summary>
    void Backward(int batch, Tensor<float> x, Tensor<float> scale, Tensor<float> mean, Tensor<float> inverse, Tensor<float> dy, Tensor<float> dx, Tensor<float> scaleTerms, Tensor<float> shiftTerms);
}

using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>A kernel to be timed.</summary>
/// <param name="Group">The operator with its shapes: the heading that it stands under.</param>
/// <param name="Name">Which of the operator's passes.</param>
/// <param name="Flops">Floating-point operations of a run; comparisons count as such, an exponential or a root as one.</param>
/// <param name="Bytes">Bytes that a run must move at least: each tensor that it reads and each that it writes, once.</param>
/// <param name="Prepare">Allocates its tensors from the arena and fills them.</param>
internal sealed record KernelCase(string Group, string Name, long Flops, long Bytes, Func<DeviceArena, PreparedKernel> Prepare);

/// <summary>A kernel with its tensors.</summary>
/// <param name="Run">Gives one run to the device.</param>
/// <param name="Outputs">What the first run must have written.</param>
internal sealed record PreparedKernel(Action Run, params SampledOutput[] Outputs);

/// <summary>A result that is compared with float64 at some of its elements.</summary>
/// <param name="Name">Its name, as dx.</param>
/// <param name="Read">Copies it from the device.</param>
/// <param name="Expected">An element by its index, computed from the inputs in float64.</param>
/// <param name="Tolerance">The error that is allowed, as a share of the expected element's magnitude.</param>
internal sealed record SampledOutput(string Name, Func<float[]> Read, Func<int, ReferenceSum> Expected, double Tolerance = SampledOutput.Rounding)
{
    private const int Samples = 32;

    /// <summary>
    /// 70 roundings of float32: sums of tens of thousands of terms stay well below, as their errors have either sign, and so do convolutions by
    /// Winograd's transforms. A term that is left out of a sum over a batch's pixels is several times as much.
    /// </summary>
    public const double Rounding = 4e-6;

    // Of a product whose factors are rounded to TF32, each to eleven significant bits; the magnitude is that of all terms.
    private const double Tf32Rounding = 1.0 / (1 << 10);

    // The smallest magnitude that counts: a result that is exactly zero has rounding errors too.
    private const double LeastMagnitude = 1e-2;

    public SampledOutput(string name, Tensor<float> tensor, Func<int, ReferenceSum> expected) : this(name, tensor.ToArray, expected) { }

    /// <summary>Compares the first, the last and some elements between.</summary>
    /// <param name="kernel">The kernel, for the message.</param>
    /// <param name="mathMode">How products were computed.</param>
    /// <exception cref="WrongResultException">One is off by more than rounding explains, or is no number.</exception>
    public void Verify(KernelCase kernel, MathMode mathMode)
    {
        double tolerance = Tolerance + (mathMode == MathMode.Tf32 ? Tf32Rounding : 0);
        float[] actual = Read();
        var random = new Random(1);
        IEnumerable<int> between = actual.Length <= Samples ? Enumerable.Range(0, actual.Length) : Enumerable.Range(0, Samples - 2).Select(_ => random.Next(actual.Length));
        foreach (int i in between.Prepend(actual.Length - 1).Prepend(0))
        {
            ReferenceSum expected = Expected(i);
            double error = Math.Abs(actual[i] - expected.Value), allowed = tolerance * Math.Max(LeastMagnitude, expected.Magnitude);
            if (!(error <= allowed))
                throw new WrongResultException($"{kernel.Group}, {kernel.Name}: element {i} of {Name} is {actual[i]:g7}, float64 says {expected.Value:g7}; {allowed:g2} would be rounding. A kernel that computes wrongly is not timed.");
        }
    }
}

/// <summary>A kernel's result is wrong: exit code 1.</summary>
internal sealed class WrongResultException(string message) : Exception(message);

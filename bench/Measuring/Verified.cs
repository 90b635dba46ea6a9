using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>A kernel's results against the float64 reference, before it is timed.</summary>
internal static class Verified
{
    /// <summary>Each element within absolute + relative * |reference|, written so that NaN fails.</summary>
    /// <exception cref="InvalidOperationException">One is not: the kernel is wrong and will not be timed.</exception>
    public static void Close(double[] reference, ReadOnlySpan<float> actual, Tolerance tolerance, string what)
    {
        if (reference.Length != actual.Length) throw new InvalidOperationException($"{what}: {actual.Length} values, not {reference.Length}. Not timed.");
        for (int i = 0; i < reference.Length; i++)
        {
            double error = Math.Abs(actual[i] - reference[i]);
            if (!(error <= tolerance.Absolute + tolerance.Relative * Math.Abs(reference[i])))
                throw new InvalidOperationException($"{what}: element {i} is {actual[i]:g9}, the reference {reference[i]:g9}, error {error:g3} against {tolerance}. Not timed.");
        }
    }

    /// <summary>A tensor of NaN, so that an element which a kernel leaves out fails.</summary>
    public static Tensor<float> Poisoned(DeviceArena arena, Shape shape)
    {
        Tensor<float> tensor = arena.Allocate<float>(shape);
        var values = new float[shape.Count];
        values.AsSpan().Fill(float.NaN);
        tensor.CopyFrom(values);
        return tensor;
    }
}

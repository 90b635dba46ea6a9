using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>
/// Comparison of what a kernel computed with a float64 reference, and of a reference's gradient with central differences.
/// </summary>
public static class Check
{
    /// <summary>
    /// Each element within absolute + relative * |reference|, written so that NaN fails.
    /// </summary>
    public static void Close(ReadOnlySpan<double> reference, ReadOnlySpan<float> actual, Tolerance tolerance, string what)
    {
        Assert.True(reference.Length == actual.Length, $"{what}: {actual.Length} values, not {reference.Length}.");
        for (int i = 0; i < reference.Length; i++)
        {
            double error = Math.Abs(actual[i] - reference[i]);
            if (!(error <= tolerance.Absolute + tolerance.Relative * Math.Abs(reference[i])))
                Assert.Fail($"{what}: element {i} is {actual[i]:g9}, the reference {reference[i]:g9}, error {error:g3} against {tolerance}.");
        }
    }

    /// <summary>
    /// The directional derivative of f at x along a random direction, by central differences in float64, against the gradient.
    /// <paramref name="f"/> returns a scalar: the output projected on a fixed random vector (a plain sum is blind for batch normalisation).
    /// </summary>
    public static void CentralDifference(Func<double[], double> f, double[] x, double[] gradient, int seed, string what, double step = 1e-5, double tolerance = 1e-6)
    {
        var random = new Random(seed);
        double[] direction = Values.Normal(random, x.Length);
        double[] forward = [.. x.Zip(direction, (a, d) => a + step * d)];
        double[] backward = [.. x.Zip(direction, (a, d) => a - step * d)];
        double numeric = (f(forward) - f(backward)) / (2 * step);
        double analytic = x.Select((_, i) => gradient[i] * direction[i]).Sum();
        double scale = 1 + x.Select((_, i) => Math.Abs(gradient[i] * direction[i])).Sum();
        if (!(Math.Abs(numeric - analytic) <= tolerance * scale))
            Assert.Fail($"{what}: central difference {numeric:g9}, gradient {analytic:g9}.");
    }

    /// <summary>Runs an action on tensors poisoned with NaN and followed by guard elements; fails if a guard was touched.</summary>
    public static GuardedTensor Guarded(DeviceArena arena, Shape shape) => new(arena, shape);
}

/// <summary>A tensor that starts as NaN everywhere and is followed by elements that nobody may write.</summary>
public sealed class GuardedTensor
{
    private const int Guards = 32;
    private const float Guard = -12345.678f;
    private readonly Tensor<float> whole;

    public GuardedTensor(DeviceArena arena, Shape shape)
    {
        whole = arena.Allocate<float>(new Shape(shape.Count + Guards));
        var values = new float[whole.Count];
        values.AsSpan(0, shape.Count).Fill(float.NaN);
        values.AsSpan(shape.Count).Fill(Guard);
        whole.CopyFrom(values);
        Tensor = whole.First(shape.Count).Reshape(shape);
    }

    public Tensor<float> Tensor { get; }

    /// <summary>The values, after a check that the guards are untouched.</summary>
    public float[] Read(string what)
    {
        float[] all = whole.ToArray();
        for (int i = Tensor.Count; i < all.Length; i++)
            Assert.True(all[i] == Guard, $"{what}: wrote {i - Tensor.Count + 1} elements past the end.");
        return all[..Tensor.Count];
    }
}

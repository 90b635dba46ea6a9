using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A step of gradient ascent on images (Erhan et al. 2009, Visualizing higher-layer features of a deep network; Simonyan et al. 2014, arXiv 1312.6034), by the gradient itself, neither its
/// sign nor normalised. On request the images' total variation is made small at once (Mahendran and Vedaldi 2015, arXiv 1412.0035): the sum of sqrt(d^2 + s^2) over the differences d of
/// all pixels next to each other in a row or column, where s, <see cref="Smoothing"/>, rounds off the kink at 0.
/// </summary>
public sealed class GradientStep
{
    /// <summary>The difference, on the scale of the images, below which the total variation is nearly quadratic.</summary>
    public const float Smoothing = 0.05f;

    private readonly Device device;
    private readonly Action<int, Geometry, ArrayView<float>, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public GradientStep(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<Geometry, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>y = min(max(x + rate (gradient - variation dTV/dx), lower), upper). Overwrites y.</summary>
    /// <param name="x">The images (N, C, H, W); without variation any shape.</param>
    /// <param name="gradient">What to climb, in the shape of x.</param>
    /// <param name="rate">How far; negative to descend both.</param>
    /// <param name="variation">The weight of the total variation; 0: none.</param>
    /// <param name="lower">The smallest value; negative infinity: none.</param>
    /// <param name="upper">The largest value; infinity: none.</param>
    /// <param name="y">The images after the step, in the shape of x; may be x where there is no variation.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or y is x with variation.</exception>
    public unsafe void Step(Tensor<float> x, Tensor<float> gradient, float rate, float variation, float lower, float upper, Tensor<float> y)
    {
        Require.Shape(gradient, x.Shape);
        Require.Shape(y, x.Shape);
        if (x.Count == 0) return;
        int height = 1, width = 1;
        if (variation != 0)
        {
            if (x.Shape.Rank != 4) throw new ArgumentException($"x is {x.Shape}: total variation is of images (N, C, H, W).", nameof(x));
            if (x.SharesMemoryWith(y)) throw new ArgumentException("y is x: with total variation a pixel reads its neighbours as they were.", nameof(y));
            (height, width) = (x.Shape[2], x.Shape[3]);
        }
        var geometry = new Geometry(height, width, rate, variation, lower, upper);
        if (kernel is not null) kernel(x.Count, geometry, x.View, gradient.View, y.View);
        else if (variation == 0) HostLoop.Map(device, new HostMap(rate, lower, upper), x, gradient, y);
        else device.Host.Run(new HostKernel(geometry, x.Pointer, gradient.Pointer, y.Pointer), x.Count / (height * width));
    }

    // One index owns one element.
    private static void Kernel(Index1D i, Geometry g, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> y)
    {
        float slope = gradient[i];
        if (g.Variation != 0)
        {
            int line = i / g.Width, column = i - line * g.Width, row = line % g.Height;
            float at = x[i], sum = 0;
            if (row > 0) sum += Sign(at - x[i - g.Width]);
            if (row < g.Height - 1) sum += Sign(at - x[i + g.Width]);
            if (column > 0) sum += Sign(at - x[i - 1]);
            if (column < g.Width - 1) sum += Sign(at - x[i + 1]);
            slope -= g.Variation * sum;
        }
        float moved = x[i] + g.Rate * slope;
        // NaN stays, so that it is seen.
        moved = moved < g.Lower ? g.Lower : moved;
        y[i] = moved > g.Upper ? g.Upper : moved;
    }

    // The derivative of sqrt(d^2 + s^2).
    private static float Sign(float d) => d / XMath.Sqrt(d * d + Smoothing * Smoothing);

    /// <summary>What kernels need to know.</summary>
    internal readonly struct Geometry(int height, int width, float rate, float variation, float lower, float upper)
    {
        public readonly int Height = height, Width = width;
        public readonly float Rate = rate, Variation = variation, Lower = lower, Upper = upper;
    }

    private readonly struct HostMap(float rate, float lower, float upper) : IMap2
    {
        public TVector Apply<TSimd, TVector>(TVector x, TVector gradient) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Min(TSimd.Max(TSimd.MultiplyAdd(TSimd.Broadcast(rate), gradient, x), TSimd.Broadcast(lower)), TSimd.Broadcast(upper));
    }

    // One item owns one plane. Scalar: rows of MNIST's width are two vectors, and the network's pass costs a hundred times this.
    private readonly unsafe struct HostKernel(Geometry g, float* x, float* gradient, float* y) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)item * g.Height * g.Width;
            for (int row = 0; row < g.Height; row++)
            {
                for (int column = 0; column < g.Width; column++)
                {
                    long i = start + row * g.Width + column;
                    float at = x[i], sum = 0;
                    if (row > 0) sum += Slope(at - x[i - g.Width]);
                    if (row < g.Height - 1) sum += Slope(at - x[i + g.Width]);
                    if (column > 0) sum += Slope(at - x[i - 1]);
                    if (column < g.Width - 1) sum += Slope(at - x[i + 1]);
                    y[i] = Math.Min(Math.Max(at + g.Rate * (gradient[i] - g.Variation * sum), g.Lower), g.Upper);
                }
            }
        }

        private static float Slope(float d) => d / MathF.Sqrt(d * d + Smoothing * Smoothing);
    }
}

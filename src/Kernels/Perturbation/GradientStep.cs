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

    private readonly Map<Climb> plain;
    private readonly IndexKernel<SmoothClimb> smooth;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public GradientStep(Device device) => (plain, smooth) = (new(device), new(device));

    /// <summary>y = min(max(x + rate (gradient - variation dTV/dx), lower), upper). Overwrites y.</summary>
    /// <param name="x">The images (N, C, H, W); without variation any shape.</param>
    /// <param name="gradient">What to climb, in the shape of x.</param>
    /// <param name="rate">How far; negative to descend both.</param>
    /// <param name="variation">The weight of the total variation; 0: none.</param>
    /// <param name="lower">The smallest value; negative infinity: none.</param>
    /// <param name="upper">The largest value; infinity: none.</param>
    /// <param name="y">The images after the step, in the shape of x; may be x where there is no variation.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or y is x with variation.</exception>
    public void Step(Tensor<float> x, Tensor<float> gradient, float rate, float variation, float lower, float upper, Tensor<float> y)
    {
        Require.Shape(gradient, x.Shape);
        Require.Shape(y, x.Shape);
        if (x.Count == 0) return;
        if (variation == 0)
        {
            plain.Run(new Climb(rate, lower, upper), y, x, gradient);
            return;
        }
        if (x.Shape.Rank != 4) throw new ArgumentException($"x is {x.Shape}: total variation is of images (N, C, H, W).", nameof(x));
        if (x.SharesMemoryWith(y)) throw new ArgumentException("y is x: with total variation a pixel reads its neighbours as they were.", nameof(y));
        smooth.Launch(x.Count, new SmoothClimb(x.Shape[2], x.Shape[3], rate, variation, lower, upper, x.View, gradient.View, y.View));
    }

    internal readonly struct Climb(float rate, float lower, float upper) : IMap
    {
        public static int Inputs => 2;

        // NaN stays, so that it is seen.
        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct =>
            TLanes.Min(TLanes.Max(TLanes.MultiplyAdd(TLanes.Broadcast(rate), x.B, x.A), TLanes.Broadcast(lower)), TLanes.Broadcast(upper));
    }

    // One index owns one element.
    internal readonly struct SmoothClimb(int height, int width, float rate, float variation, float lower, float upper, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i)
        {
            int line = i / width, column = i - line * width, row = line % height;
            float at = x[i], sum = 0;
            if (row > 0) sum += Sign(at - x[i - width]);
            if (row < height - 1) sum += Sign(at - x[i + width]);
            if (column > 0) sum += Sign(at - x[i - 1]);
            if (column < width - 1) sum += Sign(at - x[i + 1]);
            float moved = at + rate * (gradient[i] - variation * sum);
            // NaN stays, so that it is seen.
            moved = moved < lower ? lower : moved;
            y[i] = moved > upper ? upper : moved;
        }

        // The derivative of sqrt(d^2 + s^2).
        private static float Sign(float d) => d / XMath.Sqrt(d * d + Smoothing * Smoothing);
    }
}

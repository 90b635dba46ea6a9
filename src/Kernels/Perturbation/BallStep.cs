using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A step of an attack in the Euclidean norm (Madry et al. 2018, arXiv 1706.06083): each image is moved by the step's size along its gradient's direction,
/// brought back into the ball around the original, and cut to 0..1, which brings it no farther from an original that lies there itself.
/// </summary>
public sealed class BallStep
{
    private const int Lanes = PlaneReduction.GroupSize;

    private readonly RowKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public BallStep(Device device) => kernel = new(device);

    /// <summary>
    /// d = x + size gradient / |gradient| - original for each image, x = original + d min(1, epsilon / |d|), cut to 0..1. An image whose gradient is 0 is not moved by
    /// it. Updates x.
    /// </summary>
    /// <param name="x">The images (N, …).</param>
    /// <param name="gradient">What to climb, in the same shape.</param>
    /// <param name="size">How far; negative to descend.</param>
    /// <param name="original">The middle of each ball, 0 to 1, in the same shape.</param>
    /// <param name="epsilon">The ball's radius.</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void Step(Tensor<float> x, Tensor<float> gradient, float size, Tensor<float> original, float epsilon)
    {
        Require.Shape(gradient, x.Shape);
        Require.Shape(original, x.Shape);
        if (x.Count == 0) return;
        int images = x.Shape[0];
        kernel.Launch(images, new Kernel(x.Count / images, size, epsilon, x.View, gradient.View, original.View));
    }

    // One group owns one image; lane l has elements l, l + 64, …, and the lanes are added in ascending order.
    internal readonly struct Kernel(int pixels, float size, float epsilon, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> original) : IRowKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(Lanes);
            ArrayView<float> distances = SharedMemory.Allocate<float>(Lanes);
            int lane = Group.IdxX, start = Grid.IdxX * pixels;
            float sum = 0;
            for (int i = lane; i < pixels; i += Lanes) sum += gradient[start + i] * gradient[start + i];
            lanes[lane] = sum;
            Group.Barrier();
            float factor = Quotient(size, Norm(lanes));
            sum = 0;
            for (int i = lane; i < pixels; i += Lanes)
            {
                float d = x[start + i] + factor * gradient[start + i] - original[start + i];
                sum += d * d;
            }
            distances[lane] = sum;
            Group.Barrier();
            float distance = Norm(distances), shrunk = distance > epsilon ? epsilon / distance : 1;
            for (int i = lane; i < pixels; i += Lanes)
            {
                float from = original[start + i], moved = from + shrunk * (x[start + i] + factor * gradient[start + i] - from);
                moved = moved > 0 ? moved : 0;
                x[start + i] = moved < 1 ? moved : 1;
            }
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)row * pixels;
            float* from = original.Start() + start, to = x.Start() + start, g = gradient.Start() + start;
            float factor = Quotient(size, MathF.Sqrt(SimdFold.Row<DotFold, TSimd, TVector>(g, g, pixels)));
            for (int i = 0; i < pixels; i++) to[i] = to[i] + factor * g[i] - from[i];
            float distance = MathF.Sqrt(SimdFold.Row<DotFold, TSimd, TVector>(to, to, pixels)), shrunk = distance > epsilon ? epsilon / distance : 1;
            for (int i = 0; i < pixels; i++) to[i] = Math.Min(Math.Max(from[i] + shrunk * to[i], 0), 1);
        }
    }

    private static float Norm(ArrayView<float> lanes)
    {
        float sum = 0;
        for (int l = 0; l < Lanes; l++) sum += lanes[l];
        return XMath.Sqrt(sum);
    }

    private static float Quotient(float size, float norm) => norm > 0 ? size / norm : 0;
}

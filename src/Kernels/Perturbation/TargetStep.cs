using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A step of gradient descent on |x - target|^2 / 2 - beta objective, for each image with a target image and a beta of its own: the image is drawn to the target while the network is led
/// elsewhere (Szegedy et al. 2014, arXiv 1312.6199, equation of section 4.1, with the weight at the other term).
/// </summary>
public sealed class TargetStep
{
    private const int Lanes = PlaneReduction.GroupSize;

    private readonly RowKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public TargetStep(Device device) => kernel = new(device);

    /// <summary>squares = |x - target|^2 for each image, as it is before the step; x = min(max(x + rate (beta gradient - (x - target)), 0), 1). Updates x, overwrites squares.</summary>
    /// <param name="x">The images (N, …).</param>
    /// <param name="gradient">The gradient of the objective, which is climbed, in the same shape.</param>
    /// <param name="rate">How far.</param>
    /// <param name="betas">The objective's weight for each image (N).</param>
    /// <param name="target">The target of each image, in the same shape.</param>
    /// <param name="squares">The squared distances (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Step(Tensor<float> x, Tensor<float> gradient, float rate, Tensor<float> betas, Tensor<float> target, Tensor<float> squares)
    {
        Require.Shape(gradient, x.Shape);
        Require.Shape(target, x.Shape);
        Require.Shape(betas, new Shape(x.Shape[0]));
        Require.Shape(squares, new Shape(x.Shape[0]));
        if (x.Count == 0) return;
        int images = x.Shape[0];
        kernel.Launch(images, new Kernel(x.Count / images, rate, x.View, gradient.View, betas.View, target.View, squares.View));
    }

    // One group owns one image; lane l has elements l, l + 64, …, and the lanes are added in ascending order.
    internal readonly struct Kernel(int pixels, float rate, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> betas, ArrayView<float> target, ArrayView<float> squares) : IRowKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(Lanes);
            int lane = Group.IdxX, image = Grid.IdxX, start = image * pixels;
            float beta = betas[image], sum = 0;
            for (int i = lane; i < pixels; i += Lanes)
            {
                float from = x[start + i], distance = from - target[start + i];
                sum += distance * distance;
                float moved = from + rate * (beta * gradient[start + i] - distance);
                moved = moved < 0 ? 0 : moved;
                x[start + i] = moved > 1 ? 1 : moved;
            }
            lanes[lane] = sum;
            Group.Barrier();
            if (lane != 0) return;
            sum = 0;
            for (int l = 0; l < Lanes; l++) sum += lanes[l];
            squares[image] = sum;
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)row * pixels;
            float* at = x.Start() + start, g = gradient.Start() + start, to = target.Start() + start;
            float beta = betas.Start()[row];
            float* lanes = stackalloc float[SimdFold.Lanes];
            new Span<float>(lanes, SimdFold.Lanes).Clear();
            for (int i = 0; i < pixels; i++)
            {
                float distance = at[i] - to[i];
                lanes[i % SimdFold.Lanes] += distance * distance;
                at[i] = Math.Min(Math.Max(at[i] + rate * (beta * g[i] - distance), 0), 1);
            }
            squares.Start()[row] = SimdFold.Join<SumFold>(lanes);
        }
    }
}

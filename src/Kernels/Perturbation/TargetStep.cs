using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A step of gradient descent on |x - target|^2 / 2 - beta objective, for each image with a target image and a beta of its own: the image is drawn to the target while the network is led
/// elsewhere (Szegedy et al. 2014, arXiv 1312.6199, equation of section 4.1, with the weight at the other term).
/// </summary>
public sealed class TargetStep
{
    // GPU: a group of so many lanes has an image; the simulated GPU starts a thread for each.
    private const int Lanes = 64;

    private readonly Device device;
    private readonly Action<KernelConfig, int, float, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public TargetStep(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadGrouped<int, float, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>squares = |x - target|^2 for each image, as it is before the step; x = min(max(x + rate (beta gradient - (x - target)), 0), 1). Updates x, overwrites squares.</summary>
    /// <param name="x">The images (N, …).</param>
    /// <param name="gradient">The gradient of the objective, which is climbed, in the same shape.</param>
    /// <param name="rate">How far.</param>
    /// <param name="betas">The objective's weight for each image (N).</param>
    /// <param name="target">The target of each image, in the same shape.</param>
    /// <param name="squares">The squared distances (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public unsafe void Step(Tensor<float> x, Tensor<float> gradient, float rate, Tensor<float> betas, Tensor<float> target, Tensor<float> squares)
    {
        Require.Shape(gradient, x.Shape);
        Require.Shape(target, x.Shape);
        Require.Shape(betas, new Shape(x.Shape[0]));
        Require.Shape(squares, new Shape(x.Shape[0]));
        if (x.Count == 0) return;
        int images = x.Shape[0], pixels = x.Count / images;
        if (kernel is not null) kernel(new KernelConfig(images, Lanes), pixels, rate, x.View, gradient.View, betas.View, target.View, squares.View);
        else device.Host.Run(new HostKernel(pixels, rate, x.Pointer, gradient.Pointer, betas.Pointer, target.Pointer, squares.Pointer), images);
    }

    // One group owns one image; lane l has elements l, l + 64, …, and the lanes are added in ascending order.
    private static void Kernel(int pixels, float rate, ArrayView<float> x, ArrayView<float> gradient, ArrayView<float> betas, ArrayView<float> target, ArrayView<float> squares)
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

    // One item owns one image.
    private readonly unsafe struct HostKernel(int pixels, float rate, float* x, float* gradient, float* betas, float* target, float* squares) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* at = x + (long)item * pixels, g = gradient + (long)item * pixels, to = target + (long)item * pixels;
            float beta = betas[item];
            float* lanes = stackalloc float[SimdFold.Lanes];
            new Span<float>(lanes, SimdFold.Lanes).Clear();
            for (int i = 0; i < pixels; i++)
            {
                float distance = at[i] - to[i];
                lanes[i % SimdFold.Lanes] += distance * distance;
                at[i] = Math.Min(Math.Max(at[i] + rate * (beta * g[i] - distance), 0), 1);
            }
            squares[item] = SimdFold.Join<SumFold>(lanes);
        }
    }
}

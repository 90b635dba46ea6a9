using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Sums over each image of a batch, of which norms are made. Each depends on that image alone.</summary>
public sealed class ImageNorm
{
    private const int Lanes = PlaneReduction.GroupSize;

    private readonly RowKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ImageNorm(Device device) => kernel = new(device);

    /// <summary>The sum of each image's squares. Overwrites sums.</summary>
    /// <param name="x">Images (N, …).</param>
    /// <param name="sums">The sums (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Squares(Tensor<float> x, Tensor<float> sums) => Run(x, absolute: false, sums);

    /// <summary>The sum of each image's absolute values. Overwrites sums.</summary>
    /// <param name="x">Images (N, …).</param>
    /// <param name="sums">The sums (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Absolutes(Tensor<float> x, Tensor<float> sums) => Run(x, absolute: true, sums);

    private void Run(Tensor<float> x, bool absolute, Tensor<float> sums)
    {
        int images = x.Shape[0];
        Require.Shape(sums, new Shape(images));
        if (images == 0) return;
        kernel.Launch(images, new Kernel(x.Count / images, absolute ? 1 : 0, x.View, sums.View));
    }

    // One group owns one image; lane l adds elements l, l + 64, …, and the lanes are added in ascending order.
    internal readonly struct Kernel(int pixels, int absolute, ArrayView<float> x, ArrayView<float> sums) : IRowKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(Lanes);
            int lane = Group.IdxX, start = Grid.IdxX * pixels;
            float sum = 0;
            for (int i = lane; i < pixels; i += Lanes)
            {
                float value = x[start + i];
                float size = value < 0 ? -value : value;
                sum += absolute != 0 ? size : value * value;
            }
            lanes[lane] = sum;
            Group.Barrier();
            if (lane != 0) return;
            sum = 0;
            for (int l = 0; l < Lanes; l++) sum += lanes[l];
            sums[Grid.IdxX] = sum;
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* image = x.Start() + (long)row * pixels;
            sums.Start()[row] = absolute != 0 ? SimdFold.Row<AbsoluteFold, TSimd, TVector>(image, image, pixels) : SimdFold.Row<DotFold, TSimd, TVector>(image, image, pixels);
        }
    }

    private readonly struct AbsoluteFold : IFold
    {
        public static float Padding => 0;

        public static TVector Step<TSimd, TVector>(TVector result, TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Add(result, TSimd.Max(a, TSimd.Subtract(TSimd.Broadcast(0), a)));

        public static float Combine(float a, float b) => a + b;
    }
}

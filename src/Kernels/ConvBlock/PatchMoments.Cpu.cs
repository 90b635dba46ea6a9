using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GpuConv.Kernels;

/// <summary>
/// First and second moments of the 3 x 3 patches that a convolution sees. A convolution is linear, so they hold all that batch
/// normalisation after it needs: channel k, y = w x + b over patches x with mean m and covariance C, has mean w m + b and variance w C w, and
/// its gradient too follows without a look at y. With few input channels this is far less work than the convolution itself.
/// In float64, where products of floats are exact: the result does not depend on whether multiply-adds are fused.
/// </summary>
internal sealed unsafe class PatchMoments
{
    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly Tensor<double> partial;

    public PatchMoments(DeviceArena arena, Conv2DShape shape, int maxBatch)
    {
        device = arena.Device;
        this.shape = shape;
        Mean = new double[shape.ReductionLength];
        Covariance = new double[shape.ReductionLength * shape.ReductionLength];
        partial = arena.Allocate<double>(new Shape(maxBatch, PartialCount));
        // The planes, and behind them once more as float64; a copied row may end with a vector that does not.
        device.Host.ReserveScratch(3L * shape.InChannels * (shape.OutHeight + 2) * (shape.OutWidth + 2) + Gemm.Alignment);
    }

    /// <summary>The mean of each element of a patch, in order of (c, r, s).</summary>
    public double[] Mean { get; }

    /// <summary>Their covariances, (C * 9, C * 9).</summary>
    public double[] Covariance { get; }

    // Three elements of a kernel row make a group; for each two groups nine sums of products, for each element a sum.
    private int Groups => 3 * shape.InChannels;

    private int PartialCount => 9 * Groups * (Groups + 1) / 2 + shape.ReductionLength;

    /// <summary>Computes the moments over all patches of images (N, C, H, W).</summary>
    public void Compute(Tensor<float> x)
    {
        int images = x.Shape[0];
        device.Host.Run(new Kernel(ImagePlanes.Padded(shape, shape.OutHeight + 2), shape, PartialCount, x.Pointer, x.Pointer + x.Count, partial.Pointer), images);

        double* total = stackalloc double[PartialCount];
        for (int i = 0; i < PartialCount; i++) total[i] = partial.Pointer[i];
        for (int n = 1; n < images; n++)
            for (int i = 0; i < PartialCount; i++) total[i] += partial.Pointer[(long)n * PartialCount + i];

        double count = (double)images * shape.OutHeight * shape.OutWidth;
        double* sums = total + PartialCount - shape.ReductionLength;
        for (int i = 0; i < Mean.Length; i++) Mean[i] = sums[i] / count;
        for (int first = 0; first < Groups; first++)
            for (int second = first; second < Groups; second++)
                for (int i = 0; i < 9; i++, total++)
                {
                    int row = 3 * first + i / 3, column = 3 * second + i % 3;
                    double covariance = *total / count - Mean[row] * Mean[column];
                    Covariance[row * Mean.Length + column] = Covariance[column * Mean.Length + row] = covariance;
                }
    }

    /// <summary>w C: the covariance of an output with each element of the patch.</summary>
    /// <param name="w">The kernel, C * 9 elements.</param>
    /// <param name="result">As many.</param>
    public void TimesCovariance(float* w, Span<double> result)
    {
        for (int i = 0; i < result.Length; i++)
        {
            double sum = 0;
            for (int j = 0; j < result.Length; j++) sum += w[j] * Covariance[i * result.Length + j];
            result[i] = sum;
        }
    }

    // One item owns an image.
    private readonly struct Kernel(ImagePlanes planes, Conv2DShape shape, int partialCount, float* x, float* xEnd, double* partial) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int groups = 3 * shape.InChannels, count = shape.InChannels * planes.PlaneSize;
            planes.Fill<TSimd, TVector>(x + (long)item * shape.Input.Count, xEnd, shape.InChannels, 0, shape.OutHeight + 2, scratch);
            double* values = (double*)(scratch + (count + 1) / 2 * 2);
            for (int i = 0; i < count; i++) values[i] = scratch[i];

            double* to = partial + (long)item * partialCount;
            for (int first = 0; first < groups; first++)
                for (int second = first; second < groups; second++, to += 9) Products(Group(values, first), Group(values, second), to);
            for (int group = 0; group < groups; group++, to += 3) Sums(Group(values, group), to);
        }

        // Where the group's first element meets the first output.
        private double* Group(double* values, int group) => values + group / 3 * planes.PlaneSize + group % 3 * planes.PlaneWidth;

        // The sums of from[i] over all outputs, for i below 3.
        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        private void Sums(double* from, double* to)
        {
            int height = shape.OutHeight, width = shape.OutWidth;
            Vector256<double> s0 = default, s1 = default, s2 = default;
            for (int row = 0; row < height; row++, from += planes.PlaneWidth)
            {
                int column = 0;
                for (; column <= width - 4; column += 4)
                {
                    s0 += Vector256.Load(from + column);
                    s1 += Vector256.Load(from + column + 1);
                    s2 += Vector256.Load(from + column + 2);
                }
                if (column == width) continue;
                s0 += Two(from + column);
                s1 += Two(from + column + 1);
                s2 += Two(from + column + 2);
            }
            to[0] = Total(s0);
            to[1] = Total(s1);
            to[2] = Total(s2);
        }

        // The sums of first[i] second[j] over all outputs, for i and j below 3.
        [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
        private void Products(double* first, double* second, double* to)
        {
            int height = shape.OutHeight, width = shape.OutWidth;
            Vector256<double> s00 = default, s01 = default, s02 = default, s10 = default, s11 = default, s12 = default, s20 = default, s21 = default, s22 = default;
            for (int row = 0; row < height; row++, first += planes.PlaneWidth, second += planes.PlaneWidth)
            {
                for (int column = 0; column < width; column += 4)
                {
                    Vector256<double> a0, a1, a2, b0, b1, b2;
                    if (column <= width - 4)
                    {
                        (a0, a1, a2) = (Vector256.Load(first + column), Vector256.Load(first + column + 1), Vector256.Load(first + column + 2));
                        (b0, b1, b2) = (Vector256.Load(second + column), Vector256.Load(second + column + 1), Vector256.Load(second + column + 2));
                    }
                    else
                    {
                        (a0, a1, a2) = (Two(first + column), Two(first + column + 1), Two(first + column + 2));
                        (b0, b1, b2) = (Two(second + column), Two(second + column + 1), Two(second + column + 2));
                    }
                    s00 = Vector256.MultiplyAddEstimate(a0, b0, s00);
                    s01 = Vector256.MultiplyAddEstimate(a0, b1, s01);
                    s02 = Vector256.MultiplyAddEstimate(a0, b2, s02);
                    s10 = Vector256.MultiplyAddEstimate(a1, b0, s10);
                    s11 = Vector256.MultiplyAddEstimate(a1, b1, s11);
                    s12 = Vector256.MultiplyAddEstimate(a1, b2, s12);
                    s20 = Vector256.MultiplyAddEstimate(a2, b0, s20);
                    s21 = Vector256.MultiplyAddEstimate(a2, b1, s21);
                    s22 = Vector256.MultiplyAddEstimate(a2, b2, s22);
                }
            }
            to[0] = Total(s00);
            to[1] = Total(s01);
            to[2] = Total(s02);
            to[3] = Total(s10);
            to[4] = Total(s11);
            to[5] = Total(s12);
            to[6] = Total(s20);
            to[7] = Total(s21);
            to[8] = Total(s22);
        }

        // In an order of our own: the runtime's differs by processor.
        private static double Total(Vector256<double> v) => v[0] + v[2] + (v[1] + v[3]);

        // The last two of a row whose width, an even one, four does not divide.
        private static Vector256<double> Two(double* from) => Vector256.Create(from[0], from[1], 0, 0);
    }
}

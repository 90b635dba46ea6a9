using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The gradient of a first layer's 3 x 3 convolution to its input, on the CPU: dx[c, h, w] = sum over r, s and k of w[k, c, r, s] dz[h + pad - r, w + pad - s, k], where
/// dz has its channels last and is made row by row. Four pixels are worked on at once, each with 16 logical lanes of channels, which are joined by a tree: the same bits
/// at every vector width.
/// </summary>
internal sealed unsafe class FirstLayerInputCpu
{
    // Rows of dx of an item: its strip of dz, two rows more, stays in the second-level cache, and little of it is made twice.
    private const int BandRows = 8;

    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly Tensor<float> packed;

    public FirstLayerInputCpu(DeviceArena arena, Conv2DShape shape)
    {
        device = arena.Device;
        this.shape = shape;
        packed = arena.Allocate<float>(new Shape(shape.InChannels, 3, 3, shape.OutChannels));
        device.Host.ReserveScratch((long)(BandRows + 2) * StripColumns * shape.OutChannels);
    }

    /// <summary>Whether a convolution that <see cref="FirstLayerCpu"/> can do has its input's gradient done this way.</summary>
    public static bool Fits(Conv2DShape s) => s is { PadLeft: <= 2, PadRight: <= 2 };

    // What the columns of dx see, and as many more as four pixels at once may read beyond them.
    private int StripColumns => shape.InWidth + 2 + 3;

    /// <summary>dx of images whose dz is made by rows. Overwrites dx.</summary>
    /// <param name="dz">The gradient to the convolution's results, (P, Q, K).</param>
    /// <param name="images">How many.</param>
    /// <param name="w">(K, C, 3, 3).</param>
    /// <param name="dx">(N, C, H, W).</param>
    public void Run<TRows>(TRows dz, int images, float* w, float* dx) where TRows : unmanaged, IImageRows
    {
        Pack(w);
        int bands = (shape.InHeight + BandRows - 1) / BandRows;
        device.Host.Run(new Kernel<TRows>(shape, bands, StripColumns, dz, packed.Pointer, dx), images * bands);
    }

    // (C, 3, 3, K), turned by half a circle: element (i, j) meets dz at (h + pad - 2 + i, w + pad - 2 + j).
    private void Pack(float* w)
    {
        int channels = shape.OutChannels, taps = shape.ReductionLength;
        for (int c = 0; c < shape.InChannels; c++)
            for (int t = 0; t < 9; t++)
                for (int k = 0; k < channels; k++) packed.Pointer[(c * 9 + t) * channels + k] = w[k * taps + c * 9 + 8 - t];
    }

    private readonly struct Kernel<TRows>(Conv2DShape shape, int bands, int stripColumns, TRows dz, float* weights, float* dx) : IHostKernel where TRows : unmanaged, IImageRows
    {
        private const int Pixels = 4;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int image = item / bands, first = item % bands * BandRows, rows = Math.Min(BandRows, shape.InHeight - first), width = shape.InWidth;
            ImageStrip.Fill<TRows, TSimd, TVector>(dz, image, first + shape.PadTop - 2, rows + 2, shape.PadLeft - 2, stripColumns, scratch);
            float* lanes = stackalloc float[Pixels * SimdFold.Lanes];
            for (int c = 0; c < shape.InChannels; c++)
            {
                float* to = dx + (((long)image * shape.InChannels + c) * shape.InHeight + first) * width;
                for (int row = 0; row < rows; row++, to += width)
                {
                    for (int column = 0; column < width; column += Pixels)
                    {
                        float* corner = scratch + ((long)row * stripColumns + column) * shape.OutChannels;
                        for (int lane = 0; lane < SimdFold.Lanes; lane += TSimd.Count) Accumulate<TSimd, TVector>(corner + lane, weights + c * 9 * shape.OutChannels + lane, lanes + lane);
                        for (int p = 0; p < Pixels && column + p < width; p++) to[column + p] = SimdFold.Join<SumFold>(lanes + p * SimdFold.Lanes);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Accumulate<TSimd, TVector>(float* corner, float* w, float* lanes) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            nint channels = shape.OutChannels, line = stripColumns * channels;
            TVector a = default, b = default, c = default, d = default;
            for (int i = 0; i < 3; i++, corner += line)
            {
                float* from = corner;
                for (int j = 0; j < 3; j++, from += channels, w += channels)
                {
                    for (nint k = 0; k < channels; k += SimdFold.Lanes)
                    {
                        TVector weight = TSimd.Load(w + k);
                        a = TSimd.MultiplyAdd(weight, TSimd.Load(from + k), a);
                        b = TSimd.MultiplyAdd(weight, TSimd.Load(from + channels + k), b);
                        c = TSimd.MultiplyAdd(weight, TSimd.Load(from + 2 * channels + k), c);
                        d = TSimd.MultiplyAdd(weight, TSimd.Load(from + 3 * channels + k), d);
                    }
                }
            }
            TSimd.Store(a, lanes);
            TSimd.Store(b, lanes + SimdFold.Lanes);
            TSimd.Store(c, lanes + 2 * SimdFold.Lanes);
            TSimd.Store(d, lanes + 3 * SimdFold.Lanes);
        }
    }
}

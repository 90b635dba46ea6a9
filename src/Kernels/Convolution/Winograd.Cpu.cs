namespace GpuConv.Kernels;

/// <summary>
/// Convolutions with 3 x 3 kernels on the CPU by Winograd's F(2x2, 3x3): 16 products for 36, see <see cref="WinogradTransforms"/>.
/// Channels lie last and fill whole vectors, so that transforms are additions of vectors, without a shuffle. An item is a strip of
/// tiles of one image, or some small images whole: its input is copied once with its border of zeros, transformed, multiplied by the
/// transformed weights (16 products, tiles x C by C x K) and transformed back into an <see cref="IRowPairSink"/>. How images are
/// cut changes no bit of what goes to outputs and inputs.
/// The gradient to the input is the same with the kernels turned and the channels exchanged. That to the weights is 16 products
/// K x tiles by tiles x C for each strip, added in order of strips and images into the slice of a run of consecutive images; slices are added in
/// order and transformed at the end. Strips, runs and slices follow from the shape and the batch alone.
/// </summary>
internal sealed unsafe class WinogradCpu
{
    // Transformed inputs and products of a strip should stay in a second-level cache of 512 KiB, beside the weights.
    private const int StripFloats = 96 * 1024;

    // With fewer tiles the weights would be read too often.
    private const int MinTiles = 48;

    private const int MostSlices = 16;
    private const int MostSliceFloats = 4 << 20;

    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly WinogradLayout forward, backward;
    private readonly Tensor<float> weights, slices;
    private readonly int maxSlices;

    public WinogradCpu(DeviceArena arena, Conv2DShape shape, int maxBatch)
    {
        device = arena.Device;
        this.shape = shape;
        forward = new WinogradLayout(shape.InChannels, shape.OutChannels, shape.OutHeight, shape.OutWidth, shape.PadTop, shape.PadLeft);
        backward = new WinogradLayout(shape.OutChannels, shape.InChannels, shape.InHeight, shape.InWidth, 2 - shape.PadTop, 2 - shape.PadLeft);
        weights = arena.Allocate<float>(new Shape(WinogradTransforms.Elements * shape.InChannels * shape.OutChannels));
        maxSlices = Math.Clamp(MostSliceFloats / SliceFloats, 1, Math.Min(MostSlices, maxBatch));
        slices = arena.Allocate<float>(new Shape(maxSlices, SliceFloats));
        device.Host.ReserveScratch(Math.Max(forward.ScratchFloats(StripRows(forward), MinTiles), backward.ScratchFloats(StripRows(backward), MinTiles)));
    }

    /// <summary>Whether a convolution can be done this way.</summary>
    public static bool Fits(Conv2DShape s) =>
        s is { IsPlain3x3: true, PadTop: <= 2, PadLeft: <= 2, PadBottom: <= 2, PadRight: <= 2 }
        && s.InChannels % Gemm.Alignment == 0 && s.OutChannels % Gemm.Alignment == 0;

    private int SliceFloats => checked(shape.OutChannels * SliceChannelFloats(shape.InChannels));

    // A slice is (output channel, element, input channel): what becomes one kernel lies together. The cache line between output channels keeps
    // them out of the same cache set.
    private static int SliceChannelFloats(int inChannels) => WinogradTransforms.Elements * inChannels + Gemm.Alignment;

    /// <summary>The convolution of images with the weights (K, C, 3, 3), into a sink.</summary>
    public void Forward<TRows, TSink>(TRows x, int images, float* w, TSink sink)
        where TRows : unmanaged, IImageRows
        where TSink : unmanaged, IRowPairSink
    {
        device.Host.Run(new WeightsKernel(shape, w, weights.Pointer, 0), shape.OutChannels / Gemm.Alignment);
        Run(forward, x, images, sink);
    }

    /// <summary>The gradient to the input from that to the output, into a sink.</summary>
    public void GradInput<TRows, TSink>(TRows dy, int images, float* w, TSink sink)
        where TRows : unmanaged, IImageRows
        where TSink : unmanaged, IRowPairSink
    {
        device.Host.Run(new WeightsKernel(shape, w, weights.Pointer, 1), shape.InChannels / Gemm.Alignment);
        Run(backward, dy, images, sink);
    }

    private void Run<TRows, TSink>(WinogradLayout layout, TRows rows, int images, TSink sink)
        where TRows : unmanaged, IImageRows
        where TSink : unmanaged, IRowPairSink
    {
        if (images == 0) return;
        int stripRows = StripRows(layout), group = 1;
        if (stripRows == layout.TileRows)
        {
            // Some small images together, or less than one where there are not enough for all threads.
            group = Math.Clamp(MinTiles / layout.Tiles(layout.TileRows), 1, Math.Max(1, images / (2 * device.Threads)));
            if (images < 2 * device.Threads && device.Threads > 1)
            {
                int wanted = (2 * device.Threads + images - 1) / images;
                stripRows = (stripRows + wanted - 1) / wanted;
            }
        }
        var kernel = new ConvolutionKernel<TRows, TSink>(layout, stripRows, group, images, rows, weights.Pointer, sink);
        device.Host.Run(kernel, kernel.Items);
    }

    /// <summary>The gradient to the weights, summed over the images in a fixed order. Overwrites dw (K, C, 3, 3).</summary>
    public void GradWeight<TRows, TGradientRows>(TRows x, TGradientRows dy, int images, float* dw)
        where TRows : unmanaged, IImageRows
        where TGradientRows : unmanaged, IImageRows
    {
        if (images == 0)
        {
            new Span<float>(dw, shape.Weights.Count).Clear();
            return;
        }
        int run = (images + maxSlices - 1) / maxSlices, runs = (images + run - 1) / run;
        // Cutting the output channels changes no bit, so it may depend on the threads.
        int wanted = (2 * device.Threads + runs - 1) / runs, blocks = shape.OutChannels / Gemm.Alignment;
        int block = (blocks + wanted - 1) / wanted * Gemm.Alignment;
        var kernel = new GradWeightKernel<TRows, TGradientRows>(forward, StripRows(forward), images, run, block, x, dy, slices.Pointer);
        device.Host.Run(kernel, runs * kernel.Blocks);
        device.Host.Run(new SliceSumKernel(shape.InChannels, SliceFloats, runs, slices.Pointer, dw), shape.OutChannels);
    }

    private static int StripRows(WinogradLayout layout)
    {
        int tiles = Math.Max(MinTiles, StripFloats / (WinogradTransforms.Elements * (layout.InChannels + layout.OutChannels)));
        return Math.Clamp(tiles / layout.TileColumns, 1, layout.TileRows);
    }

    // One item transforms the weights of 16 output channels (of input channels: turned, for the gradient). They are laid out for each of the
    // 16 elements as panels of two vectors' columns, with a row for each channel that is summed over.
    private readonly struct WeightsKernel(Conv2DShape shape, float* w, float* u, int turned) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int columns = turned != 0 ? shape.InChannels : shape.OutChannels, rows = turned != 0 ? shape.OutChannels : shape.InChannels;
            nint plane = (nint)rows * columns, kernelRow = turned != 0 ? 9 * (nint)columns : 9, kernelColumn = turned != 0 ? 9 : 9 * (nint)rows;
            float* kernels = stackalloc float[9 * Gemm.Alignment];
            int first = item * Gemm.Alignment;
            for (int row = 0; row < rows; row++)
            {
                Transpose.Copy(w + row * kernelRow + first * kernelColumn, kernelColumn, 9, Gemm.Alignment, kernels, Gemm.Alignment);
                for (int column = first; column < first + Gemm.Alignment; column += TSimd.Count)
                {
                    int panel = column / (2 * TSimd.Count) * 2 * TSimd.Count, width = Math.Min(2 * TSimd.Count, columns - panel);
                    float* from = kernels + column - first, to = u + (nint)panel * rows + row * width + column - panel;
                    if (turned != 0) WinogradTransforms.Kernel<TSimd, TVector>(from + 8 * Gemm.Alignment, -Gemm.Alignment, to, plane);
                    else WinogradTransforms.Kernel<TSimd, TVector>(from, Gemm.Alignment, to, plane);
                }
            }
        }
    }

    private readonly struct ConvolutionKernel<TRows, TSink>(WinogradLayout layout, int stripRows, int group, int images, TRows rows, float* weights, TSink sink) : IHostKernel
        where TRows : unmanaged, IImageRows
        where TSink : unmanaged, IRowPairSink
    {
        private int Strips => (layout.TileRows + stripRows - 1) / stripRows;

        public int Items => (images + group - 1) / group * Strips;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int first = item / Strips * group, end = Math.Min(images, first + group);
            int firstRow = item % Strips * stripRows, tileRows = Math.Min(stripRows, layout.TileRows - firstRow);
            int tilesOfOne = layout.Tiles(tileRows), tiles = (end - first) * tilesOfOne;
            float* strip = scratch, v = strip + layout.StripFloats(stripRows), m = v + layout.InFloats(group * layout.Tiles(stripRows)), pair = m + layout.OutFloats(group * layout.Tiles(stripRows));
            nint planeV = layout.InPlane(tiles), planeM = layout.OutPlane(tiles);
            for (int image = first; image < end; image++)
            {
                layout.FillStrip<TRows, TSimd, TVector>(rows, image, firstRow, tileRows, strip);
                layout.TransformInput<TSimd, TVector>(strip, tileRows, v + (image - first) * tilesOfOne * layout.InStride, planeV);
            }
            Multiply<TSimd, TVector>(tiles, v, planeV, m, planeM);
            for (int image = first; image < end; image++)
            {
                float* from = m + (image - first) * tilesOfOne * layout.OutStride;
                for (int row = firstRow; row < firstRow + tileRows; row++, from += layout.TileColumns * layout.OutStride)
                {
                    layout.TransformOutput<TSimd, TVector>(from, planeM, pair);
                    sink.Take<TSimd, TVector>(pair, 2 * layout.TileColumns, image, row);
                }
            }
        }

        private void Multiply<TSimd, TVector>(int tiles, float* v, nint planeV, float* m, nint planeM) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = 0; i < WinogradTransforms.Elements; i++)
            {
                var left = new LeftRows(v + i * planeV, layout.InStride, 1);
                float* u = weights + (long)i * layout.InChannels * layout.OutChannels;
                // Panel by panel, so that one stays in the first-level cache while all tiles pass.
                for (int k = 0; k < layout.OutChannels; k += 2 * TSimd.Count)
                {
                    int width = Math.Min(2 * TSimd.Count, layout.OutChannels - k);
                    Gemm.Multiply<TSimd, TVector, StridedRows>(tiles, width / TSimd.Count, layout.InChannels, left, new StridedRows(u + (nint)k * layout.InChannels, width, 0), m + i * planeM + k, layout.OutStride);
                }
            }
        }
    }

    // One item: a run of images, a block of output channels.
    private readonly struct GradWeightKernel<TRows, TGradientRows>(WinogradLayout layout, int stripRows, int images, int run, int block, TRows x, TGradientRows dy, float* slices) : IHostKernel
        where TRows : unmanaged, IImageRows
        where TGradientRows : unmanaged, IImageRows
    {
        public int Blocks => (layout.OutChannels + block - 1) / block;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int slice = item / Blocks, firstChannel = item % Blocks * block, channels = Math.Min(block, layout.OutChannels - firstChannel);
            float* strip = scratch, gradientStrip = strip + layout.StripFloats(stripRows);
            float* v = gradientStrip + layout.GradientStripFloats(stripRows), d = v + layout.InFloats(layout.Tiles(stripRows));
            nint channelFloats = SliceChannelFloats(layout.InChannels);
            float* sums = slices + ((long)slice * layout.OutChannels + firstChannel) * channelFloats;
            int end = Math.Min(images, (slice + 1) * run);
            bool add = false;
            for (int image = slice * run; image < end; image++)
                for (int firstRow = 0; firstRow < layout.TileRows; firstRow += stripRows)
                {
                    int tileRows = Math.Min(stripRows, layout.TileRows - firstRow), tiles = layout.Tiles(tileRows);
                    nint planeV = layout.InPlane(tiles), planeD = layout.OutPlane(tiles);
                    layout.FillStrip<TRows, TSimd, TVector>(x, image, firstRow, tileRows, strip);
                    layout.TransformInput<TSimd, TVector>(strip, tileRows, v, planeV);
                    ImageStrip.Fill<TGradientRows, TSimd, TVector>(dy, image, 2 * firstRow, 2 * tileRows, 0, 2 * layout.TileColumns, gradientStrip);
                    layout.TransformGradient<TSimd, TVector>(gradientStrip, tileRows, firstChannel, channels, d, planeD);
                    for (int i = 0; i < WinogradTransforms.Elements; i++)
                        Gemm.Block<TSimd, TVector, StridedRows>(channels, layout.InChannels / TSimd.Count, 1, tiles, 0,
                            new LeftRows(d + i * planeD + firstChannel, 1, layout.OutStride), new StridedRows(v + i * planeV, layout.InStride, 2 * TSimd.Count),
                            sums + i * layout.InChannels, channelFloats, add);
                    add = true;
                }
        }
    }

    // One item owns an output channel: the slices' sums, transformed to 3 x 3 elements.
    private readonly struct SliceSumKernel(int channels, int sliceFloats, int count, float* slices, float* dw) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* u = stackalloc float[WinogradTransforms.Elements * TSimd.Count], g = stackalloc float[9 * TSimd.Count];
            for (int c = 0; c < channels; c += TSimd.Count)
            {
                for (int i = 0; i < WinogradTransforms.Elements; i++)
                {
                    float* from = slices + (long)item * SliceChannelFloats(channels) + i * channels + c;
                    TVector sum = TSimd.Load(from);
                    for (int s = 1; s < count; s++) sum = TSimd.Add(sum, TSimd.Load(from + (long)s * sliceFloats));
                    TSimd.Store(sum, u + i * TSimd.Count);
                }
                WinogradTransforms.KernelGradient<TSimd, TVector>(u, TSimd.Count, g);
                Transpose.Copy(g, TSimd.Count, TSimd.Count, 9, dw + 9L * ((long)item * channels + c), 9);
            }
        }
    }
}

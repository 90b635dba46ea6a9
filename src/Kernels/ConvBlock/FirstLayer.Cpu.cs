using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The 3 x 3 convolution of images with few channels, as the first layer of a network is, and its gradient to the weights, on
/// the CPU. Forward: the four pixels of a pooling window and two vectors of output channels are eight chains in registers, fed by two loads of weights and
/// four broadcast pixels for each kernel element. Each result is one chain in ascending (c, r, s), as in <see cref="Conv2DCpu"/>, and goes to an
/// <see cref="IRowPairSink"/>. To weights: nine chains, one for each kernel element, run over the windows of some rows, and a tenth for the bias.
/// </summary>
internal sealed unsafe class FirstLayerCpu
{
    private const int MostSlices = 16;

    // The chains of the weight gradient are added to their slice after about so many windows: shorter chains, smaller errors.
    private const int ChainWindows = 64;

    // Enough windows for an item to be worth its start.
    private const int ItemWindows = 64;

    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly Tensor<float> packed;
    private readonly int maxSlices;

    public FirstLayerCpu(DeviceArena arena, Conv2DShape shape, int maxBatch)
    {
        device = arena.Device;
        this.shape = shape;
        packed = arena.Allocate<float>(new Shape(shape.ReductionLength, shape.OutChannels));
        maxSlices = Math.Min(MostSlices, maxBatch);
        Sums = arena.Allocate<float>(new Shape(maxSlices, shape.ReductionLength + 1, shape.OutChannels));
        // Padded planes, and two rows of results; a copied row may end with a vector that does not.
        device.Host.ReserveScratch((long)shape.InChannels * (shape.OutHeight + 2) * (shape.OutWidth + 2) + 2L * shape.OutWidth * shape.OutChannels + Gemm.Alignment);
    }

    /// <summary>The gradient to the weights in parts, and last that to the bias, (slice, C * 9 + 1, K), after <see cref="GradWeight"/>.</summary>
    public Tensor<float> Sums { get; }

    /// <summary>Whether a convolution with an even height and width of the output can be done this way: the moments of its patches, too, need few channels.</summary>
    public static bool Fits(Conv2DShape s) => s is { IsPlain3x3: true, InChannels: <= 4 } && s.OutChannels % Gemm.Alignment == 0;

    /// <summary>The convolution of images (N, C, H, W) with the weights (K, C, 3, 3), into a sink.</summary>
    public void Forward<TSink>(Tensor<float> x, float* w, TSink sink) where TSink : unmanaged, IRowPairSink
    {
        int taps = shape.ReductionLength, channels = shape.OutChannels, images = x.Shape[0];
        Transpose.Copy(w, taps, taps, channels, packed.Pointer, channels);
        // Images whole where there are enough for all threads.
        int rows = images >= 2 * device.Threads ? shape.OutHeight / 2 : Math.Clamp(2 * ItemWindows / shape.OutWidth, 1, shape.OutHeight / 2);
        var kernel = new ForwardKernel<TSink>(shape, rows, x.Pointer, x.Pointer + x.Count, packed.Pointer, sink);
        device.Host.Run(kernel, images * kernel.Bands);
    }

    /// <summary>The gradients to weights and bias in <see cref="Sums"/>; returns the number of slices.</summary>
    /// <param name="x">(N, C, H, W).</param>
    /// <param name="dy">The gradient after ReLU and pooling, (N, P / 2, Q / 2, K).</param>
    /// <param name="winners">The windows' winners, likewise.</param>
    public int GradWeight(Tensor<float> x, float* dy, byte* winners)
    {
        int images = x.Shape[0], run = (images + maxSlices - 1) / maxSlices, runs = (images + run - 1) / run;
        device.Host.Run(new GradWeightKernel(shape, images, run, x.Pointer, x.Pointer + x.Count, dy, winners, Sums.Pointer), runs);
        return runs;
    }

    private readonly struct ForwardKernel<TSink>(Conv2DShape shape, int bandRows, float* x, float* xEnd, float* weights, TSink sink) : IHostKernel
        where TSink : unmanaged, IRowPairSink
    {
        private int Rows => shape.OutHeight / 2;

        public int Bands => (Rows + bandRows - 1) / bandRows;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int image = item / Bands, first = item % Bands * bandRows, end = Math.Min(Rows, first + bandRows), channels = shape.OutChannels;
            int planeRows = 2 * (end - first) + 2;
            var planes = ImagePlanes.Padded(shape, planeRows);
            planes.Fill<TSimd, TVector>(x + (long)image * shape.Input.Count, xEnd, shape.InChannels, 2 * first, planeRows, scratch);
            float* rows = scratch + planes.PlaneSize * shape.InChannels;
            for (int row = first; row < end; row++)
            {
                float* corner = scratch + 2 * (row - first) * planes.PlaneWidth;
                int k = 0;
                for (; k <= channels - 2 * TSimd.Count; k += 2 * TSimd.Count) Windows<TSimd, TVector, Tile1x2>(planes, corner, weights + k, rows + k);
                if (k < channels) Windows<TSimd, TVector, Tile1x1>(planes, corner, weights + k, rows + k);
                sink.Take<TSimd, TVector>(rows, shape.OutWidth, image, row);
            }
        }

        // Two rows of results, (2, Q, K), for one or two vectors of output channels.
        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Windows<TSimd, TVector, TSize>(ImagePlanes planes, float* corner, float* weights, float* rows)
            where TSimd : struct, ISimd<TVector>
            where TVector : struct
            where TSize : struct, ITileSize
        {
            int columns = shape.OutWidth, inChannels = shape.InChannels;
            nint channels = shape.OutChannels, line = planes.PlaneWidth, plane = planes.PlaneSize, below = columns * channels;
            for (int column = 0; column < columns; column += 2, corner += 2, rows += 2 * channels)
            {
                TVector a0 = default, b0 = default, c0 = default, d0 = default, a1 = default, b1 = default, c1 = default, d1 = default;
                float* w = weights, first = corner;
                for (int c = 0; c < inChannels; c++, first += plane)
                {
                    float* top = first;
                    for (int r = 0; r < 3; r++, top += line)
                    {
                        // The three elements of a kernel row written out, so that each pixel is loaded once: 0.26 ms for conv1 where a loop took 0.30.
                        float* bottom = top + line;
                        TVector w0 = TSimd.Load(w), w1 = default;
                        if (TSize.Vectors > 1) w1 = TSimd.Load(w + TSimd.Count);
                        TVector x = TSimd.Broadcast(top[0]), x1 = TSimd.Broadcast(top[1]), y = TSimd.Broadcast(bottom[0]), y1 = TSimd.Broadcast(bottom[1]);
                        a0 = TSimd.MultiplyAdd(x, w0, a0);
                        b0 = TSimd.MultiplyAdd(x1, w0, b0);
                        c0 = TSimd.MultiplyAdd(y, w0, c0);
                        d0 = TSimd.MultiplyAdd(y1, w0, d0);
                        if (TSize.Vectors > 1)
                        {
                            a1 = TSimd.MultiplyAdd(x, w1, a1);
                            b1 = TSimd.MultiplyAdd(x1, w1, b1);
                            c1 = TSimd.MultiplyAdd(y, w1, c1);
                            d1 = TSimd.MultiplyAdd(y1, w1, d1);
                        }
                        w += channels;
                        w0 = TSimd.Load(w);
                        if (TSize.Vectors > 1) w1 = TSimd.Load(w + TSimd.Count);
                        x = TSimd.Broadcast(top[2]);
                        y = TSimd.Broadcast(bottom[2]);
                        a0 = TSimd.MultiplyAdd(x1, w0, a0);
                        b0 = TSimd.MultiplyAdd(x, w0, b0);
                        c0 = TSimd.MultiplyAdd(y1, w0, c0);
                        d0 = TSimd.MultiplyAdd(y, w0, d0);
                        if (TSize.Vectors > 1)
                        {
                            a1 = TSimd.MultiplyAdd(x1, w1, a1);
                            b1 = TSimd.MultiplyAdd(x, w1, b1);
                            c1 = TSimd.MultiplyAdd(y1, w1, c1);
                            d1 = TSimd.MultiplyAdd(y, w1, d1);
                        }
                        w += channels;
                        w0 = TSimd.Load(w);
                        if (TSize.Vectors > 1) w1 = TSimd.Load(w + TSimd.Count);
                        x1 = TSimd.Broadcast(top[3]);
                        y1 = TSimd.Broadcast(bottom[3]);
                        a0 = TSimd.MultiplyAdd(x, w0, a0);
                        b0 = TSimd.MultiplyAdd(x1, w0, b0);
                        c0 = TSimd.MultiplyAdd(y, w0, c0);
                        d0 = TSimd.MultiplyAdd(y1, w0, d0);
                        if (TSize.Vectors > 1)
                        {
                            a1 = TSimd.MultiplyAdd(x, w1, a1);
                            b1 = TSimd.MultiplyAdd(x1, w1, b1);
                            c1 = TSimd.MultiplyAdd(y, w1, c1);
                            d1 = TSimd.MultiplyAdd(y1, w1, d1);
                        }
                        w += channels;
                    }
                }
                TSimd.Store(a0, rows);
                TSimd.Store(b0, rows + channels);
                TSimd.Store(c0, rows + below);
                TSimd.Store(d0, rows + below + channels);
                if (TSize.Vectors == 1) continue;
                TSimd.Store(a1, rows + TSimd.Count);
                TSimd.Store(b1, rows + channels + TSimd.Count);
                TSimd.Store(c1, rows + below + TSimd.Count);
                TSimd.Store(d1, rows + below + channels + TSimd.Count);
            }
        }
    }

    // One item: a run of images.
    private readonly struct GradWeightKernel(Conv2DShape shape, int images, int run, float* x, float* xEnd, float* dy, byte* winners, float* slices) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int channels = shape.OutChannels, rows = shape.OutHeight / 2, columns = shape.OutWidth / 2;
            int chainRows = Math.Max(1, ChainWindows / columns), end = Math.Min(images, (item + 1) * run);
            int planeRows = shape.OutHeight + 2;
            var planes = ImagePlanes.Padded(shape, planeRows);
            float* slice = slices + (long)item * (shape.ReductionLength + 1) * channels;
            new Span<float>(slice, (shape.ReductionLength + 1) * channels).Clear();
            for (int image = item * run; image < end; image++)
            {
                planes.Fill<TSimd, TVector>(x + (long)image * shape.Input.Count, xEnd, shape.InChannels, 0, planeRows, scratch);
                for (int c = 0; c < shape.InChannels; c++)
                    for (int row = 0; row < rows; row += chainRows)
                    {
                        float* corner = scratch + c * planes.PlaneSize + 2 * row * planes.PlaneWidth;
                        long window = ((long)image * rows + row) * columns * channels;
                        for (int k = 0; k < channels; k += TSimd.Count)
                            Chains<TSimd, TVector>(corner, planes.PlaneWidth, window + k, Math.Min(chainRows, rows - row), columns, slice + 9L * c * channels + k, c > 0 ? null : slice + (long)shape.ReductionLength * channels + k);
                    }
            }
        }

        // slice[t] += the sum over the windows of dz x, for the nine kernel elements t of one input channel and a vector of output channels; sum += that of dz, unless null.
        [MethodImpl(MethodImplOptions.NoInlining)]
        private void Chains<TSimd, TVector>(float* corner, int line, long window, int rows, int columns, float* slice, float* sum) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int channels = shape.OutChannels;
            TVector t0 = default, t1 = default, t2 = default, t3 = default, t4 = default, t5 = default, t6 = default, t7 = default, t8 = default, total = default;
            for (int row = 0; row < rows; row++, corner += 2 * line)
            {
                float* top = corner;
                for (int column = 0; column < columns; column++, window += channels, top += 2)
                {
                    TVector g = TSimd.Load(dy + window), winner = TSimd.LoadBytes(winners + window);
                    TVector a = TSimd.Select(TSimd.Equal(winner, default), g, default), b = TSimd.Select(TSimd.Equal(winner, TSimd.Broadcast(1)), g, default);
                    TVector c = TSimd.Select(TSimd.Equal(winner, TSimd.Broadcast(2)), g, default), d = TSimd.Select(TSimd.Equal(winner, TSimd.Broadcast(3)), g, default);
                    // One of the four is the gradient, the others are zero; all are where ReLU let nothing through.
                    total = TSimd.Add(total, TSimd.Or(TSimd.Or(a, b), TSimd.Or(c, d)));
                    float* p = top;
                    Row<TSimd, TVector>(p, a, b, ref t0, ref t1, ref t2);
                    p += line;
                    Row<TSimd, TVector>(p, c, d, ref t0, ref t1, ref t2);
                    Row<TSimd, TVector>(p, a, b, ref t3, ref t4, ref t5);
                    p += line;
                    Row<TSimd, TVector>(p, c, d, ref t3, ref t4, ref t5);
                    Row<TSimd, TVector>(p, a, b, ref t6, ref t7, ref t8);
                    p += line;
                    Row<TSimd, TVector>(p, c, d, ref t6, ref t7, ref t8);
                }
            }
            if (sum != null) AddTo<TSimd, TVector>(total, sum);
            AddTo<TSimd, TVector>(t0, slice);
            AddTo<TSimd, TVector>(t1, slice + channels);
            AddTo<TSimd, TVector>(t2, slice + 2 * channels);
            AddTo<TSimd, TVector>(t3, slice + 3 * channels);
            AddTo<TSimd, TVector>(t4, slice + 4 * channels);
            AddTo<TSimd, TVector>(t5, slice + 5 * channels);
            AddTo<TSimd, TVector>(t6, slice + 6 * channels);
            AddTo<TSimd, TVector>(t7, slice + 7 * channels);
            AddTo<TSimd, TVector>(t8, slice + 8 * channels);
        }

        // The three elements of a kernel row, over a row of the window's two pixels.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Row<TSimd, TVector>(float* pixels, TVector left, TVector right, ref TVector t0, ref TVector t1, ref TVector t2)
            where TSimd : struct, ISimd<TVector>
            where TVector : struct
        {
            t0 = TSimd.MultiplyAdd(TSimd.Broadcast(pixels[0]), left, t0);
            TVector x = TSimd.Broadcast(pixels[1]);
            t0 = TSimd.MultiplyAdd(x, right, t0);
            t1 = TSimd.MultiplyAdd(x, left, t1);
            x = TSimd.Broadcast(pixels[2]);
            t1 = TSimd.MultiplyAdd(x, right, t1);
            t2 = TSimd.MultiplyAdd(x, left, t2);
            t2 = TSimd.MultiplyAdd(TSimd.Broadcast(pixels[3]), right, t2);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void AddTo<TSimd, TVector>(TVector value, float* sum) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Store(TSimd.Add(TSimd.Load(sum), value), sum);
    }
}

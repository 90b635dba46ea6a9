namespace GpuConv.Kernels;

/// <summary>
/// Convolution on the CPU: all three passes are matrix products over <see cref="ImagePlanes"/>, on <see cref="Gemm"/>'s micro-kernel.
/// Forward, for each image and group, y (K x pixels) = w (K x C R S) planes (C R S x pixels), where row (c, r, s) of the right matrix
/// is plane c shifted. No im2col matrix is made. An item is a block of output rows of one image and group; how rows are cut into
/// blocks changes no bit, so it may depend on the batch and the threads.
/// </summary>
internal sealed unsafe partial class Conv2DCpu : IConv2DKernels
{
    // Planes and result of a block should stay in a second-level cache of 512 KiB, with the weights.
    private const int BlockFloats = 48 * 1024;

    // Fewer columns than this would read the weights too often.
    private const int MinBlockColumns = 128;

    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly List<int> table = [];
    private readonly Tensor<int> tables;
    private readonly int planeRowPhases, planeColumnPhases, forwardRows, forwardOffsets, forwardPlaneSize;

    public Conv2DCpu(DeviceArena arena, Conv2DShape shape, int maxBatch)
    {
        device = arena.Device;
        this.shape = shape;

        table.AddRange(Phases(shape.KernelHeight, shape.DilationHeight, shape.StrideHeight));
        planeRowPhases = table.Count;
        table.AddRange(Phases(shape.KernelWidth, shape.DilationWidth, shape.StrideWidth));
        planeColumnPhases = table.Count - planeRowPhases;

        int phases = planeRowPhases * planeColumnPhases;
        forwardRows = BlockRows(shape.OutHeight, PlaneWidth, shape.GroupInChannels * phases, MaxShift, shape.GroupOutChannels);
        forwardPlaneSize = (forwardRows + MaxShift) * PlaneWidth;
        forwardOffsets = AddForwardOffsets(forwardPlaneSize);
        long forwardFloats = (long)shape.GroupInChannels * phases * forwardPlaneSize + (long)shape.GroupOutChannels * Gemm.Align(forwardRows * PlaneWidth);

        long gradInputFloats = PlanGradInput();
        long gradWeightFloats = PlanGradWeight();
        packedWeights = arena.Allocate<float>(new Shape(shape.Weights.Count));
        slices = arena.Allocate<float>(new Shape(Math.Min(maxSlices, maxBatch), sliceFloats));
        tables = arena.Allocate<int>(new Shape(table.Count));
        tables.CopyFrom(table.ToArray());
        device.Host.ReserveScratch(Math.Max(forwardFloats, Math.Max(gradInputFloats, gradWeightFloats)) + Gemm.Alignment);
    }

    // The planes are as wide as the columns that outputs look at, within a phase.
    private int PlaneWidth => shape.OutWidth + (shape.KernelWidth - 1) * shape.DilationWidth / shape.StrideWidth;

    // Rows that a plane has more than there are output rows.
    private int MaxShift => (shape.KernelHeight - 1) * shape.DilationHeight / shape.StrideHeight;

    private int* Table => tables.Pointer;

    private ImagePlanes InputPlanes(int planeSize) => new()
    {
        Height = shape.InHeight,
        Width = shape.InWidth,
        RowStep = shape.StrideHeight,
        ColumnStep = shape.StrideWidth,
        RowOrigin = -shape.PadTop,
        ColumnOrigin = -shape.PadLeft,
        RowPhases = Table,
        RowPhaseCount = planeRowPhases,
        ColumnPhases = Table + planeRowPhases,
        ColumnPhaseCount = planeColumnPhases,
        PlaneWidth = PlaneWidth,
        PlaneSize = planeSize,
    };

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y)
    {
        int images = x.Shape[0] * shape.Groups;
        int rows = RowsForThreads(forwardRows, shape.OutHeight, images);
        int blocks = (shape.OutHeight + rows - 1) / rows;
        var kernel = new ForwardKernel(shape, InputPlanes(forwardPlaneSize), MaxShift, rows, blocks, Gemm.Align(forwardRows * PlaneWidth), Table + forwardOffsets,
            x.Pointer, x.Pointer + x.Count, w.Pointer, b is { } bias ? bias.Pointer : null, y.Pointer);
        device.Host.Run(kernel, images * blocks);
    }

    private readonly struct ForwardKernel(Conv2DShape shape, ImagePlanes layout, int shift, int blockRows, int blocks, int ldc, int* offsets,
        float* x, float* xEnd, float* w, float* bias, float* y) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int image = item / blocks, first = item % blocks * blockRows;
            int group = image % shape.Groups, channels = shape.GroupInChannels, outChannels = shape.GroupOutChannels;
            int height = shape.OutHeight, width = shape.OutWidth, k = shape.ReductionLength;
            int rows = Math.Min(blockRows, height - first);
            layout.Fill<TSimd, TVector>(x + (long)image * channels * shape.InHeight * shape.InWidth, xEnd, channels, first, rows + shift, scratch);

            float* c = scratch + (long)channels * layout.ChannelSize;
            int columns = (rows - 1) * layout.PlaneWidth + width;
            var left = new LeftRows(w + (long)group * outChannels * k, k, 1);
            Gemm.Multiply<TSimd, TVector, TableRows>(outChannels, (columns + TSimd.Count - 1) / TSimd.Count, k, left, new TableRows(scratch, offsets, 2 * TSimd.Count), c, ldc);

            for (int o = 0; o < outChannels; o++)
            {
                float b = bias == null ? 0 : bias[group * outChannels + o];
                float* from = c + (long)o * ldc, to = y + ((long)(image * outChannels + o) * height + first) * width;
                for (int i = 0; i < rows; i++) CopyRow<TSimd, TVector>(from + i * layout.PlaneWidth, b, to + i * width, width);
            }
        }
    }

    // to = from + bias. A row's last vector overlaps the one before it.
    private static void CopyRow<TSimd, TVector>(float* from, float bias, float* to, int count) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        if (count < TSimd.Count)
        {
            for (int j = 0; j < count; j++) to[j] = from[j] + bias;
            return;
        }
        TVector b = TSimd.Broadcast(bias);
        int last = count - TSimd.Count;
        for (int j = 0; j < last; j += TSimd.Count) TSimd.Store(TSimd.Add(TSimd.Load(from + j), b), to + j);
        TSimd.Store(TSimd.Add(TSimd.Load(from + last), b), to + last);
    }

    // The phases that kernel elements look at, in ascending order.
    private static int[] Phases(int kernel, int dilation, int stride) =>
        [.. Enumerable.Range(0, kernel).Select(r => r * dilation % stride).Distinct().Order()];

    // The offset of what each kernel element of each channel sees of the planes: rows of the forward pass's right matrix, and
    // of the weight gradient's left one.
    private int AddForwardOffsets(int planeSize)
    {
        int[] rowPhases = Phases(shape.KernelHeight, shape.DilationHeight, shape.StrideHeight);
        int[] columnPhases = Phases(shape.KernelWidth, shape.DilationWidth, shape.StrideWidth);
        int start = table.Count;
        for (int c = 0; c < shape.GroupInChannels; c++)
            for (int r = 0; r < shape.KernelHeight; r++)
                for (int s = 0; s < shape.KernelWidth; s++)
                {
                    (int row, int rowPhase) = Math.DivRem(r * shape.DilationHeight, shape.StrideHeight);
                    (int column, int columnPhase) = Math.DivRem(s * shape.DilationWidth, shape.StrideWidth);
                    int plane = (c * rowPhases.Length + Array.IndexOf(rowPhases, rowPhase)) * columnPhases.Length + Array.IndexOf(columnPhases, columnPhase);
                    table.Add(checked(plane * planeSize) + row * PlaneWidth + column);
                }
        return start;
    }

    // Rows of the result for one item: as many as the cache holds, but enough for the weights to be worth reading.
    private static int BlockRows(int height, int width, int planes, int shift, int channels)
    {
        long row = (long)(planes + channels) * width;
        long inCache = (BlockFloats - (long)planes * shift * width) / row;
        return (int)Math.Clamp(Math.Max(inCache, (MinBlockColumns + width - 1) / width), 1, height);
    }

    // Fewer rows where there are not enough images for all threads.
    private int RowsForThreads(int rows, int height, int images)
    {
        int wanted = (2 * device.Threads + images - 1) / Math.Max(1, images);
        return device.Threads == 1 ? rows : Math.Min(rows, (height + wanted - 1) / wanted);
    }
}

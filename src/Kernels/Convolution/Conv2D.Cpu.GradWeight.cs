namespace GpuConv.Kernels;

/// <content>
/// The gradient to the weights: dwT (C R S x K) = the sum over images of planes (C R S x pixels) dyT (pixels x K). The left rows are
/// the shifted planes again; dy is transposed for each image. The order of the sum: a chain over the pixels of a block of output rows, blocks
/// added in order of rows and images into the slice of a run of consecutive images, slices added in order. Runs and blocks follow
/// from the shape and the batch alone.
/// </content>
internal sealed unsafe partial class Conv2DCpu
{
    // Enough slices for the threads of a large machine, as long as they do not take too much memory: 16 MiB in all.
    private const int MostSlices = 16;
    private const int MostSliceFloats = 4 << 20;

    // Planes of the channels of one item; more would leave the second-level cache.
    private const int ChannelBlockFloats = 32 * 1024;

    // With fewer rows of dwT the transposition of dy would weigh too much.
    private const int MinWeightRows = 96;

    private readonly Tensor<float> slices;
    private int gradWeightRows, gradWeightPlaneSize, gradWeightOffsets, sliceFloats, maxSlices, channelBlock;

    private long PlanGradWeight()
    {
        // A block's pixels of one tile of dyT, at most one chunk, fit the first-level cache.
        gradWeightRows = Math.Clamp(Gemm.MaxChunk / shape.OutWidth, 1, shape.OutHeight);
        gradWeightPlaneSize = (gradWeightRows + MaxShift) * PlaneWidth;
        gradWeightOffsets = AddForwardOffsets(gradWeightPlaneSize);
        sliceFloats = checked(shape.InChannels * shape.KernelHeight * shape.KernelWidth * Gemm.Align(shape.GroupOutChannels));
        maxSlices = Math.Clamp(MostSliceFloats / sliceFloats, 1, MostSlices);
        int channelFloats = planeRowPhases * planeColumnPhases * gradWeightPlaneSize;
        channelBlock = Math.Clamp(ChannelBlockFloats / channelFloats, 1, shape.GroupInChannels);
        return (long)channelBlock * channelFloats + Gemm.Alignment + DyPanelFloats;
    }

    // The widest tile is twice the alignment.
    private long DyPanelFloats => (long)gradWeightRows * shape.OutWidth * (Gemm.Align(shape.GroupOutChannels) + Gemm.Alignment);

    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw)
    {
        int batch = dy.Shape[0];
        if (batch == 0)
        {
            new Span<float>(dw.Pointer, dw.Count).Clear();
            return;
        }
        int run = (batch + maxSlices - 1) / maxSlices, runs = (batch + run - 1) / run;
        // Cutting the channels changes no bit, so it may depend on the threads.
        int wanted = (2 * device.Threads + runs * shape.Groups - 1) / (runs * shape.Groups);
        int area = shape.KernelHeight * shape.KernelWidth;
        int channels = Math.Clamp((shape.GroupInChannels + wanted - 1) / wanted, Math.Min(channelBlock, (MinWeightRows + area - 1) / area), channelBlock);
        int blocks = (shape.GroupInChannels + channels - 1) / channels;
        var kernel = new GradWeightKernel(shape, InputPlanes(gradWeightPlaneSize), MaxShift, gradWeightRows, batch, run, channels, blocks, channelBlock, Table + gradWeightOffsets,
            x.Pointer, x.Pointer + x.Count, dy.Pointer, slices.Pointer);
        device.Host.Run(kernel, runs * shape.Groups * blocks);
        var sum = new SliceSumKernel(shape, runs, slices.Pointer, dw.Pointer);
        device.Host.Run(sum, shape.Groups * sum.Blocks);
    }

    // One item: a run of images, a group, a block of its input channels.
    private readonly struct GradWeightKernel(Conv2DShape shape, ImagePlanes layout, int shift, int blockRows, int batch, int run, int channelBlock, int channelBlocks, int maxChannelBlock,
        int* offsets, float* x, float* xEnd, float* dy, float* slices) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int firstChannel = item % channelBlocks * channelBlock;
            int group = item / channelBlocks % shape.Groups, slice = item / channelBlocks / shape.Groups;
            int channels = Math.Min(channelBlock, shape.GroupInChannels - firstChannel), outChannels = shape.GroupOutChannels;
            int area = shape.KernelHeight * shape.KernelWidth, height = shape.OutHeight, width = shape.OutWidth;
            int ldc = Gemm.Align(outChannels), tile = 2 * TSimd.Count;
            float* panels = scratch + Gemm.Align(maxChannelBlock * layout.ChannelSize + Gemm.Alignment);
            float* c = slices + (((long)slice * shape.Groups + group) * shape.GroupInChannels + firstChannel) * area * ldc;
            bool add = false;
            int end = Math.Min(batch, (slice + 1) * run);
            for (int n = slice * run; n < end; n++)
            {
                float* image = x + ((long)n * shape.InChannels + group * shape.GroupInChannels + firstChannel) * shape.InHeight * shape.InWidth;
                for (int first = 0; first < height; first += blockRows)
                {
                    int rows = Math.Min(blockRows, height - first), pixels = rows * width;
                    layout.Fill<TSimd, TVector>(image, xEnd, channels, first, rows + shift, scratch);
                    float* grad = dy + (((long)n * shape.OutChannels + group * outChannels) * height + first) * width;
                    for (int k = 0; k < outChannels; k += tile)
                        Panel.Pack(grad + (long)k * height * width, 1, height * width, pixels, Math.Min(tile, outChannels - k), panels + (long)k * pixels, tile);
                    Gemm.Block<TSimd, TVector, StridedRows>(channels * area, (outChannels + TSimd.Count - 1) / TSimd.Count, rows, width, layout.PlaneWidth - width,
                        new LeftRows(scratch, 0, 1, offsets), new StridedRows(panels, tile, (nint)pixels * tile), c, ldc, add);
                    add = true;
                }
            }
        }
    }

    // dw = the sum of the slices, transposed. One item owns some rows (c, r, s) of one group.
    private readonly struct SliceSumKernel(Conv2DShape shape, int count, float* slices, float* dw) : IHostKernel
    {
        private const int Rows = 16;

        public int Blocks => (shape.ReductionLength + Rows - 1) / Rows;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int group = item / Blocks, first = item % Blocks * Rows, rows = Math.Min(Rows, shape.ReductionLength - first);
            int outChannels = shape.GroupOutChannels, ldc = Gemm.Align(outChannels);
            long slice = (long)shape.Groups * shape.ReductionLength * ldc;
            float* from = slices + ((long)group * shape.ReductionLength + first) * ldc;
            float* to = dw + (long)group * outChannels * shape.ReductionLength + first;
            float* sums = stackalloc float[Rows * Gemm.Alignment];
            for (int k = 0; k < outChannels; k += TSimd.Count)
            {
                int lanes = Math.Min(TSimd.Count, outChannels - k);
                for (int r = 0; r < rows; r++)
                {
                    float* row = from + (long)r * ldc + k;
                    TVector sum = TSimd.Load(row);
                    for (int s = 1; s < count; s++) sum = TSimd.Add(sum, TSimd.Load(row + s * slice));
                    TSimd.Store(sum, sums + r * TSimd.Count);
                }
                for (int lane = 0; lane < lanes; lane++)
                    for (int r = 0; r < rows; r++) to[(long)(k + lane) * shape.ReductionLength + r] = sums[r * TSimd.Count + lane];
            }
        }
    }

    public void GradBias(Tensor<float> dy, Tensor<float> db) => PlaneSum.Run(dy, db);
}

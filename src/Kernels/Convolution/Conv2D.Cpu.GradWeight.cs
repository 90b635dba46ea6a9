namespace GpuConv.Kernels;

/// <summary>
/// The gradient to the weights: dw[tap, k] = sum over images and pixels of planes[offset[tap] + p] dyT[p, k]. An item owns a chunk of
/// consecutive images, whose sums run on from image to image; then the chunks are added in order. The size of a chunk is fixed, so
/// the order of the sum is too.
/// </summary>
internal sealed unsafe partial class Conv2DCpu
{
    private const int ImagesOfChunk = 4;

    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw)
    {
        int batch = x.Shape[0], chunks = ChunksOf(batch);
        var sum = new WeightSum
        {
            X = x.Pointer,
            Dy = dy.Pointer,
            Sums = weightSums.Pointer,
            Offsets = forwardOffsets.Pointer,
            Planes = forwardPlanes,
            Shape = shape,
            Batch = batch,
        };
        device.Host.Run(sum, chunks);
        device.Host.Run(new AddChunks(weightSums.Pointer, dw.Pointer, shape, chunks), shape.OutChannels);
    }

    private static int ChunksOf(int batch) => (batch + ImagesOfChunk - 1) / ImagesOfChunk;

    // Output channels of a group, rounded up to whole tiles.
    private static int PaddedChannels(Conv2DShape shape) => (shape.GroupOutChannels + HostTile.NarrowBlock - 1) / HostTile.NarrowBlock * HostTile.NarrowBlock;

    private static int WeightSumsOfChunk(Conv2DShape shape) => shape.Groups * shape.ReductionLength * PaddedChannels(shape);

    private static long WeightScratch(Conv2DShape shape, PlaneLayout planes) =>
        planes.Floats(shape.GroupInChannels) + (long)shape.OutHeight * shape.OutWidth * PaddedChannels(shape);

    /// <summary>The sums of a chunk, as [group][tap][output channel].</summary>
    private struct WeightSum : IHostKernel
    {
        public float* X, Dy, Sums;
        public int* Offsets;
        public PlaneLayout Planes;
        public Conv2DShape Shape;
        public int Batch;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int inputs = Shape.GroupInChannels, outputs = Shape.GroupOutChannels, padded = PaddedChannels(Shape), taps = Shape.ReductionLength;
            int pixels = Shape.OutHeight * Shape.OutWidth;
            float* planes = scratch, turned = scratch + Planes.Floats(inputs);
            float** rows = stackalloc float*[6];
            for (int group = 0; group < Shape.Groups; group++)
            {
                float* sums = Sums + ((long)item * Shape.Groups + group) * taps * padded;
                int end = Math.Min((item + 1) * ImagesOfChunk, Batch);
                for (int n = item * ImagesOfChunk; n < end; n++)
                {
                    Planes.Fill(X, ((long)n * Shape.Groups + group) * inputs, inputs, planes);
                    Turn(Dy + ((long)n * Shape.Groups + group) * outputs * pixels, turned, outputs, padded, pixels);
                    for (int tap = 0; tap < taps; tap += 6)
                    {
                        int count = Math.Min(6, taps - tap);
                        for (int i = 0; i < 6; i++) rows[i] = planes + Offsets[tap + Math.Min(i, count - 1)];
                        for (int k = 0; k < outputs; k += 2 * TSimd.Count)
                        {
                            HostTile.Multiply6x2<TSimd, TVector>(
                                rows, count, Shape.OutHeight, Shape.OutWidth, Planes.Width, turned + k, padded, sums + (long)tap * padded + k, padded, n == item * ImagesOfChunk);
                        }
                    }
                }
            }
        }

        // dy[k, p] as [p][k], zeros in the channels that only fill up the tile.
        private static void Turn(float* dy, float* turned, int outputs, int padded, int pixels)
        {
            const int block = 16;
            if (padded > outputs) new Span<float>(turned, pixels * padded).Clear();
            for (int first = 0; first < pixels; first += block)
            {
                int end = Math.Min(first + block, pixels);
                for (int k = 0; k < outputs; k++)
                    for (int p = first; p < end; p++) turned[(long)p * padded + k] = dy[(long)k * pixels + p];
            }
        }
    }

    /// <summary>dw[k, tap]: the chunks' sums added in order. An item owns an output channel.</summary>
    private readonly struct AddChunks(float* sums, float* dw, Conv2DShape shape, int chunks) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int taps = shape.ReductionLength, padded = PaddedChannels(shape);
            int group = item / shape.GroupOutChannels, k = item % shape.GroupOutChannels;
            long chunk = (long)shape.Groups * taps * padded;
            for (int tap = 0; tap < taps; tap++)
            {
                float* source = sums + ((long)group * taps + tap) * padded + k;
                float sum = 0;
                for (int c = 0; c < chunks; c++) sum += source[c * chunk];
                dw[(long)item * taps + tap] = sum;
            }
        }
    }
}

namespace GpuConv.Kernels;

/// <summary>
/// Convolution on the CPU, without im2col: an image is copied into planes with its padding, one plane for each phase of the stride.
/// Then a tap of the kernel is the same planes read from another start, and the convolution is a matrix product whose right-hand
/// rows are shifted planes: y[k, p] = sum over taps of w[k, tap] planes[offset[tap] + p]. The output index p runs over whole rows of
/// the planes; the few columns beyond the output's width are computed and dropped.
/// An item owns an image (a chunk of images for the weights), so nothing is shared between threads. Each pass reads its inputs and
/// writes its output once; planes and sums stay in the caches.
/// Source of the shifted planes: Georganas et al., Anatomy of High-Performance Deep Learning Convolutions, 2018 (arXiv 1808.05567).
/// </summary>
internal sealed unsafe partial class Conv2DCpu : IConv2DKernels
{
    private readonly Device device;
    private readonly Conv2DShape shape;
    private readonly PlaneLayout forwardPlanes;
    private readonly PlaneLayout gradientPlanes;
    private readonly Tensor<int> forwardOffsets;
    private readonly Tensor<int> gradientOffsets;
    private readonly Tensor<float> turnedWeights;
    private readonly Tensor<float> weightSums;

    public Conv2DCpu(DeviceArena arena, Conv2DShape shape, int maxBatch)
    {
        device = arena.Device;
        this.shape = shape;
        forwardPlanes = PlaneLayout.Forward(shape);
        gradientPlanes = PlaneLayout.Gradient(shape);
        forwardOffsets = Offsets(arena, forwardPlanes.ForwardOffsets(shape));
        gradientOffsets = Offsets(arena, gradientPlanes.GradientOffsets(shape));
        turnedWeights = arena.Allocate<float>(new Shape(shape.Weights.Count));
        weightSums = arena.Allocate<float>(new Shape(ChunksOf(maxBatch), WeightSumsOfChunk(shape)));
        device.Host.ReserveScratch(Math.Max(
            ProductScratch(forwardPlanes, shape.GroupInChannels, shape.GroupOutChannels, shape.OutHeight),
            Math.Max(
                ProductScratch(gradientPlanes, shape.GroupOutChannels, shape.GroupInChannels, shape.InHeight),
                WeightScratch(shape, forwardPlanes))));
    }

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y)
    {
        var product = new ShiftedProduct
        {
            Source = x.Pointer,
            Weights = w.Pointer,
            Bias = b is { } bias ? bias.Pointer : null,
            Destination = y.Pointer,
            Planes = forwardPlanes,
            Offsets = forwardOffsets.Pointer,
            Groups = shape.Groups,
            SourceChannels = shape.GroupInChannels,
            Channels = shape.GroupOutChannels,
            Taps = shape.ReductionLength,
            Height = shape.OutHeight,
            Width = shape.OutWidth,
        };
        device.Host.Run(product, x.Shape[0]);
    }

    // The gradient to the input is a convolution of dy with the kernel turned by 180 degrees and input and output channels exchanged.
    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx)
    {
        device.Host.Run(new TurnWeights(w.Pointer, turnedWeights.Pointer, shape), shape.InChannels);
        var product = new ShiftedProduct
        {
            Source = dy.Pointer,
            Weights = turnedWeights.Pointer,
            Bias = null,
            Destination = dx.Pointer,
            Planes = gradientPlanes,
            Offsets = gradientOffsets.Pointer,
            Groups = shape.Groups,
            SourceChannels = shape.GroupOutChannels,
            Channels = shape.GroupInChannels,
            Taps = shape.GroupOutChannels * shape.KernelHeight * shape.KernelWidth,
            Height = shape.InHeight,
            Width = shape.InWidth,
        };
        device.Host.Run(product, dy.Shape[0]);
    }

    public void GradBias(Tensor<float> dy, Tensor<float> db) =>
        device.Host.Run(new BiasSum(dy.Pointer, db.Pointer, dy.Shape[0], shape.OutChannels, shape.OutHeight * shape.OutWidth), shape.OutChannels);

    private static Tensor<int> Offsets(DeviceArena arena, int[] values)
    {
        Tensor<int> tensor = arena.Allocate<int>(new Shape(values.Length));
        tensor.CopyFrom(values);
        return tensor;
    }

    private static long ProductScratch(PlaneLayout planes, int sourceChannels, int channels, int height) =>
        planes.Floats(sourceChannels) + (long)channels * planes.WideColumns(height);

    /// <summary>w[k, c, taps] of each group as [c, k, taps]; an item owns an input channel.</summary>
    private readonly struct TurnWeights(float* w, float* turned, Conv2DShape shape) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int inputs = shape.GroupInChannels, outputs = shape.GroupOutChannels, taps = shape.KernelHeight * shape.KernelWidth;
            int group = item / inputs, c = item % inputs;
            float* target = turned + (long)item * outputs * taps;
            for (int k = 0; k < outputs; k++)
            {
                float* source = w + ((long)(group * outputs + k) * inputs + c) * taps;
                new ReadOnlySpan<float>(source, taps).CopyTo(new Span<float>(target + (long)k * taps, taps));
            }
        }
    }

    /// <summary>db[k]: the sums of its planes, each in 16 lanes, added in the order of the images. An item owns a channel.</summary>
    private readonly struct BiasSum(float* dy, float* db, int batch, int channels, int pixels) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            // In double: a sum over tens of thousands of pixels loses nothing worth speaking of, at no cost.
            double sum = 0;
            for (int n = 0; n < batch; n++)
                sum += LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(dy + ((long)n * channels + item) * pixels, 0), pixels);
            db[item] = (float)sum;
        }
    }

    /// <summary>One image's convolution as a product of weights and shifted planes. An item owns an image.</summary>
    private struct ShiftedProduct : IHostKernel
    {
        public float* Source, Weights, Bias, Destination;
        public PlaneLayout Planes;
        public int* Offsets;
        public int Groups, SourceChannels, Channels, Taps, Height, Width;

        // A block of taps whose planes stay in the first two caches while all channels pass by.
        private const int TapsOfBlock = 512;

        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* planes = scratch, sums = scratch + Planes.Floats(SourceChannels);
            int wide = Planes.WideColumns(Height), used = Planes.UsedColumns(Height, Width);
            for (int group = 0; group < Groups; group++)
            {
                long firstSource = (long)item * Groups * SourceChannels + (long)group * SourceChannels;
                Planes.Fill(Source, firstSource, SourceChannels, planes);
                float* weights = Weights + (long)group * Channels * Taps;
                for (int j = 0; j < used; j += 3 * TSimd.Count)
                {
                    for (int start = 0; start < Taps; start += TapsOfBlock)
                    {
                        int end = Math.Min(start + TapsOfBlock, Taps);
                        for (int k = 0; k < Channels; k += 4)
                        {
                            HostTile.Multiply4x3<TSimd, TVector, TableRows>(
                                weights + (long)k * Taps, Taps, Math.Min(4, Channels - k), planes + j, new TableRows(Offsets), start, end, sums + (long)k * wide + j, wide, start == 0);
                        }
                    }
                }
                Store(sums, wide, item, group);
            }
        }

        private readonly void Store(float* sums, int wide, int item, int group)
        {
            for (int k = 0; k < Channels; k++)
            {
                int channel = group * Channels + k;
                float* target = Destination + ((long)item * Groups * Channels + channel) * Height * Width;
                float bias = Bias == null ? 0 : Bias[channel];
                for (int row = 0; row < Height; row++, target += Width)
                {
                    float* source = sums + (long)k * wide + row * Planes.Width;
                    if (Bias == null) new ReadOnlySpan<float>(source, Width).CopyTo(new Span<float>(target, Width));
                    else for (int q = 0; q < Width; q++) target[q] = source[q] + bias;
                }
            }
        }
    }
}

using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Makes a batch from a data set that lies on the device as bytes: image i of the batch is image order[start + i] of the set,
/// normalised, x = (byte / 255 - mean) / deviation, and its label. The set is never copied or shuffled; only <c>order</c> is.
/// </summary>
public sealed class BatchGather
{
    private readonly Device device;
    private readonly float mean;
    private readonly float deviation;

    // The normalised value of each byte; pinned, as CPU kernels take its address.
    private readonly float[] values = GC.AllocateUninitializedArray<float>(256, pinned: true);
    private readonly IndexKernel<GatherKernel> gather;
    private readonly IndexKernel<ShiftedKernel> gatherShifted;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="mean">The mean of the pixels, on the scale from 0 to 1.</param>
    /// <param name="deviation">Their standard deviation, on the same scale.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deviation is not above 0.</exception>
    public BatchGather(Device device, float mean, float deviation)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!(deviation > 0)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The deviation must be above 0.");
        this.device = device;
        this.mean = mean;
        this.deviation = deviation;
        for (int value = 0; value < values.Length; value++) values[value] = Normalised(value, mean, deviation);
        (gather, gatherShifted) = (new(device), new(device));
    }

    /// <summary>Gathers a batch. Overwrites x and batchLabels.</summary>
    /// <param name="images">The images of the set (M, ...), each of as many bytes as an image of x has elements, in the same order.</param>
    /// <param name="labels">Their labels (M).</param>
    /// <param name="order">Indices into the set, each from 0 to M - 1.</param>
    /// <param name="start">Where in <paramref name="order"/> the batch begins.</param>
    /// <param name="x">The batch (N, ...).</param>
    /// <param name="batchLabels">Its labels (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the batch leaves the order.</exception>
    public void Gather(Tensor<byte> images, Tensor<int> labels, Tensor<int> order, int start, Tensor<float> x, Tensor<int> batchLabels)
    {
        int pixels = Check(images, labels, order, start, x, batchLabels), batch = x.Shape[0];
        if (batch == 0) return;
        var geometry = new Geometry(start, pixels, 1, pixels, mean, deviation);
        if (device.IsHost) RunOnHost(geometry, default, images, labels, order, x, batchLabels);
        else gather.Launch(x.Count, new GatherKernel(geometry, images.View, labels.View, order.View, x.View, batchLabels.View));
    }

    /// <summary>
    /// Gathers a batch whose images are each moved by whole pixels, from -maxShift to maxShift in either direction; pixels from outside
    /// are byte 0. The shift is a hash of the seed and the image's index in the set: give each epoch its own seed.
    /// Overwrites x and batchLabels.
    /// </summary>
    /// <param name="images">The images of the set (M, C, H, W), or (M, C*H*W) where x has four dimensions.</param>
    /// <param name="labels">Their labels (M).</param>
    /// <param name="order">Indices into the set, each from 0 to M - 1.</param>
    /// <param name="start">Where in <paramref name="order"/> the batch begins.</param>
    /// <param name="x">The batch (N, C, H, W), or (N, C*H*W) where the images have four dimensions.</param>
    /// <param name="batchLabels">Its labels (N).</param>
    /// <param name="maxShift">The largest shift, 0 or more.</param>
    /// <param name="seed">The seed of the shifts.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the batch leaves the order.</exception>
    public void GatherShifted(Tensor<byte> images, Tensor<int> labels, Tensor<int> order, int start, Tensor<float> x, Tensor<int> batchLabels, int maxShift, ulong seed)
    {
        int pixels = Check(images, labels, order, start, x, batchLabels), batch = x.Shape[0];
        if (maxShift is < 0 or > short.MaxValue) throw new ArgumentOutOfRangeException(nameof(maxShift), maxShift, $"The largest shift is from 0 to {short.MaxValue} pixels.");
        Shape shape = x.Shape.Rank >= 3 ? x.Shape : images.Shape;
        if (shape.Rank < 3) throw new ArgumentException($"images is {images.Shape} and x {x.Shape}: to shift images, one must tell height and width.");
        if (batch == 0) return;
        (uint first, uint second) = CounterHash.Key(seed, 0);
        var geometry = new Geometry(start, pixels, shape[shape.Rank - 2], shape[shape.Rank - 1], mean, deviation);
        var shift = new Shift(maxShift, first, second);
        if (device.IsHost) RunOnHost(geometry, shift, images, labels, order, x, batchLabels);
        else gatherShifted.Launch(x.Count, new ShiftedKernel(geometry, shift, images.View, labels.View, order.View, x.View, batchLabels.View));
    }

    internal static int Check(Tensor<byte> images, Tensor<int> labels, Tensor<int> order, int start, Tensor<float> x, Tensor<int> batchLabels)
    {
        int count = images.Shape[0], batch = x.Shape[0];
        int bytes = count == 0 ? 0 : images.Count / count, pixels = batch == 0 ? bytes : x.Count / batch;
        if (bytes != pixels || (batch > 0 && pixels == 0)) throw new ArgumentException($"images is {images.Shape} and x {x.Shape}: an image has {bytes} bytes there and {pixels} elements here.");
        Require.Shape(labels, new Shape(count));
        Require.Shape(batchLabels, new Shape(batch));
        if (start < 0 || start > order.Count - batch) throw new ArgumentException($"A batch of {batch} from {start} leaves the order of {order.Count}.", nameof(start));
        return pixels;
    }

    internal static float Normalised(float value, float mean, float deviation) => (value / 255f - mean) / deviation;

    private unsafe void RunOnHost(Geometry geometry, Shift shift, Tensor<byte> images, Tensor<int> labels, Tensor<int> order, Tensor<float> x, Tensor<int> batchLabels)
    {
        fixed (float* table = values)
            device.Host.Run(new HostKernel(geometry, shift, table, images.Pointer, labels.Pointer, order.Pointer, x.Pointer, batchLabels.Pointer), x.Shape[0]);
    }

    // One index owns one element of x; the first of each image also its label.
    internal readonly struct GatherKernel(Geometry g, ArrayView<byte> images, ArrayView<int> labels, ArrayView<int> order, ArrayView<float> x, ArrayView<int> batchLabels) : IIndexKernel
    {
        public void Run(int element)
        {
            int i = element / g.Pixels, pixel = element - i * g.Pixels, source = order[g.Start + i];
            x[element] = Normalised(images[(long)source * g.Pixels + pixel], g.Mean, g.Deviation);
            if (pixel == 0) batchLabels[i] = labels[source];
        }
    }

    internal readonly struct ShiftedKernel(Geometry g, Shift shift, ArrayView<byte> images, ArrayView<int> labels, ArrayView<int> order, ArrayView<float> x, ArrayView<int> batchLabels) : IIndexKernel
    {
        public void Run(int element)
        {
            int i = element / g.Pixels, pixel = element - i * g.Pixels, source = order[g.Start + i];
            int row = pixel / g.Width, column = pixel - row * g.Width, channel = row / g.Height;
            int fromRow = row - channel * g.Height - shift.Rows(source), fromColumn = column - shift.Columns(source);
            int value = 0;
            if (fromRow >= 0 && fromRow < g.Height && fromColumn >= 0 && fromColumn < g.Width)
                value = images[(long)source * g.Pixels + (channel * g.Height + fromRow) * g.Width + fromColumn];
            x[element] = Normalised(value, g.Mean, g.Deviation);
            if (pixel == 0) batchLabels[i] = labels[source];
        }
    }

    /// <summary>Where the batch begins and how its images are laid out.</summary>
    internal readonly struct Geometry(int start, int pixels, int height, int width, float mean, float deviation)
    {
        public readonly int Start = start, Pixels = pixels, Height = height, Width = width;
        public readonly float Mean = mean, Deviation = deviation;
    }

    /// <summary>The random shift of each image: two hashes of its index, one for each direction.</summary>
    internal readonly struct Shift(int max, uint first, uint second)
    {
        private readonly int max = max;
        private readonly uint first = first, second = second;

        /// <summary>Rows downwards.</summary>
        public int Rows(int image) => CounterHash.Below(CounterHash.Bits(2 * (uint)image, first, second), 2 * max + 1) - max;

        /// <summary>Columns to the right.</summary>
        public int Columns(int image) => CounterHash.Below(CounterHash.Bits(2 * (uint)image + 1, first, second), 2 * max + 1) - max;
    }

    // One item owns one image. A look-up for each byte: two loads and a store, no arithmetic.
    private readonly unsafe struct HostKernel(Geometry g, Shift shift, float* values, byte* images, int* labels, int* order, float* x, int* batchLabels) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int source = order[g.Start + item];
            batchLabels[item] = labels[source];
            byte* from = images + (long)source * g.Pixels;
            float* to = x + (long)item * g.Pixels;
            int down = shift.Rows(source), right = shift.Columns(source);
            if (down == 0 && right == 0)
            {
                Copy(values, from, to, g.Pixels);
                return;
            }
            int first = Math.Clamp(right, 0, g.Width), end = Math.Clamp(g.Width + right, 0, g.Width);
            for (int row = 0; row < g.Pixels / g.Width; row++, to += g.Width)
            {
                int inChannel = row % g.Height - down;
                if (inChannel < 0 || inChannel >= g.Height)
                {
                    new Span<float>(to, g.Width).Fill(values[0]);
                    continue;
                }
                new Span<float>(to, first).Fill(values[0]);
                if (first < end) Copy(values, from + (row - down) * g.Width + first - right, to + first, end - first);
                new Span<float>(to + end, g.Width - end).Fill(values[0]);
            }
        }

        // Static: the table's address stays in a register, where a field would be read again after each store.
        private static void Copy(float* values, byte* from, float* to, int count)
        {
            int i = 0;
            for (; i <= count - 4; i += 4)
            {
                to[i] = values[from[i]];
                to[i + 1] = values[from[i + 1]];
                to[i + 2] = values[from[i + 2]];
                to[i + 3] = values[from[i + 3]];
            }
            for (; i < count; i++) to[i] = values[from[i]];
        }
    }
}

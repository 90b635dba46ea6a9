using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Makes a batch as <see cref="BatchGather"/> does, of images that are each distorted at random: turned, scaled, sheared and shifted about
/// their middle, and bent by an elastic displacement (Simard, Steinkraus, Platt, "Best Practices for Convolutional Neural Networks
/// Applied to Visual Document Analysis", ICDAR 2003). Where they smooth a random field by a Gaussian, the displacement here is drawn
/// with mean zero at the nodes of a 5 x 5 grid and interpolated between them, which is as smooth and costs no convolution. Pixels are
/// interpolated from four; those outside are byte 0. The channels of an image move together.
/// </summary>
public sealed partial class Distortion
{
    private readonly Device device;
    private readonly DistortionOptions options;
    private readonly float mean;
    private readonly float deviation;
    private readonly IndexKernel<Kernel> gather;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="mean">The mean of the pixels, on the scale from 0 to 1.</param>
    /// <param name="deviation">Their standard deviation, on the same scale.</param>
    /// <param name="options">How far images are distorted.</param>
    /// <exception cref="ArgumentOutOfRangeException">The deviation is not above 0, or an option out of its range.</exception>
    public Distortion(Device device, float mean, float deviation, DistortionOptions options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        if (!(deviation > 0)) throw new ArgumentOutOfRangeException(nameof(deviation), deviation, "The deviation must be above 0.");
        this.device = device;
        this.options = options;
        this.mean = mean;
        this.deviation = deviation;
        for (int value = 0; value < values.Length; value++) values[value] = BatchGather.Normalised(value, mean, deviation);
        gather = new(device);
    }

    /// <summary>
    /// Gathers a batch of distorted images. An image's distortion is a hash of the seed and the image's index in the set: give each epoch
    /// its own seed. Overwrites x and batchLabels.
    /// </summary>
    /// <param name="images">The images of the set (M, C, H, W), or (M, C*H*W) where x has four dimensions.</param>
    /// <param name="labels">Their labels (M).</param>
    /// <param name="order">Indices into the set, each from 0 to M - 1.</param>
    /// <param name="start">Where in <paramref name="order"/> the batch begins.</param>
    /// <param name="x">The batch (N, C, H, W), or (N, C*H*W) where the images have four dimensions.</param>
    /// <param name="batchLabels">Its labels (N).</param>
    /// <param name="seed">The seed of the distortions.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the batch leaves the order.</exception>
    public void Gather(Tensor<byte> images, Tensor<int> labels, Tensor<int> order, int start, Tensor<float> x, Tensor<int> batchLabels, ulong seed) =>
        Gather(images, labels, order, start, x, batchLabels, new RandomMap(options, seed));

    /// <summary>Gathers a batch of images that are all turned and shifted alike, whatever the options. Overwrites x and batchLabels.</summary>
    /// <param name="images">The images of the set (M, C, H, W), or (M, C*H*W) where x has four dimensions.</param>
    /// <param name="labels">Their labels (M).</param>
    /// <param name="order">Indices into the set, each from 0 to M - 1.</param>
    /// <param name="start">Where in <paramref name="order"/> the batch begins.</param>
    /// <param name="x">The batch (N, C, H, W), or (N, C*H*W) where the images have four dimensions.</param>
    /// <param name="batchLabels">Its labels (N).</param>
    /// <param name="move">The turn and the shift.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, the batch leaves the order, or the move is out of its range.</exception>
    public void Gather(Tensor<byte> images, Tensor<int> labels, Tensor<int> order, int start, Tensor<float> x, Tensor<int> batchLabels, ImageMove move)
    {
        move.Validate();
        Gather(images, labels, order, start, x, batchLabels, new RandomMap(move));
    }

    private void Gather(Tensor<byte> images, Tensor<int> labels, Tensor<int> order, int start, Tensor<float> x, Tensor<int> batchLabels, RandomMap map)
    {
        int pixels = BatchGather.Check(images, labels, order, start, x, batchLabels);
        Shape shape = x.Shape.Rank >= 3 ? x.Shape : images.Shape;
        if (shape.Rank < 3) throw new ArgumentException($"images is {images.Shape} and x {x.Shape}: to distort images, one must tell height and width.");
        if (x.Shape[0] == 0) return;
        var geometry = new BatchGather.Geometry(start, pixels, shape[shape.Rank - 2], shape[shape.Rank - 1], mean, deviation);
        if (device.IsHost) RunOnHost(geometry, map, images, labels, order, x, batchLabels);
        else gather.Launch(x.Count, new Kernel(geometry, map, images.View, labels.View, order.View, x.View, batchLabels.View));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Floor(float value)
    {
        int towardsZero = (int)value;
        return value < towardsZero ? towardsZero - 1 : towardsZero;
    }

    // Exactly a where share is 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Between(float a, float b, float share) => a + share * (b - a);
}

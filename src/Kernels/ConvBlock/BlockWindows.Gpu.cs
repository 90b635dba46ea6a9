using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Where a block's kernels have the convolution's results from, a window at a time: 2 x 2 results, of which pooling makes one.
/// Implementations are structs of views and integers.
/// </summary>
internal interface IBlockWindows
{
    /// <summary>The results of a window, with their bias.</summary>
    Window2x2 Load(int image, int channel, int window);
}

/// <summary>Results as they lie in memory, (N, K, P, Q).</summary>
internal readonly struct StoredWindows(ArrayView<float> results, int channels, int rows, int columns) : IBlockWindows
{
    private readonly ArrayView<float> results = results;
    private readonly int channels = channels;
    private readonly int rows = rows;
    private readonly int columns = columns;

    public Window2x2 Load(int image, int channel, int window)
    {
        int at = First(image, channel, window);
        Window2x2 z;
        z.V0 = results[at];
        z.V1 = results[at + 1];
        z.V2 = results[at + 2 * columns];
        z.V3 = results[at + 2 * columns + 1];
        return z;
    }

    public void Store(int image, int channel, int window, Window2x2 z)
    {
        int at = First(image, channel, window);
        results[at] = z.V0;
        results[at + 1] = z.V1;
        results[at + 2 * columns] = z.V2;
        results[at + 2 * columns + 1] = z.V3;
    }

    private int First(int image, int channel, int window)
    {
        int row = window / columns;
        return (image * channels + channel) * (4 * rows * columns) + 4 * row * columns + 2 * (window - row * columns);
    }
}

/// <summary>Results of a 3 x 3 convolution of one input channel, computed anew from the image (N, 1, H, W) whenever they are asked for.</summary>
internal readonly struct ConvolvedWindows(Conv2DShape shape, ArrayView<float> x, ArrayView<float> w, BlockChannels channels) : IBlockWindows
{
    private readonly ArrayView<float> x = x;
    private readonly ArrayView<float> w = w;
    private readonly BlockChannels channels = channels;
    private readonly int height = shape.InHeight;
    private readonly int width = shape.InWidth;
    private readonly int columns = shape.OutWidth / 2;
    private readonly int padTop = shape.PadTop;
    private readonly int padLeft = shape.PadLeft;

    public Window2x2 Load(int image, int channel, int window) => Convolve(Patch(image, window), channel);

    /// <summary>The pixels that a window sees.</summary>
    public Patch4x4 Patch(int image, int window)
    {
        int row = window / columns;
        return Patch4x4.Load(x, image * height * width, height, width, 2 * row - padTop, 2 * (window - row * columns) - padLeft);
    }

    /// <summary>The results of a window whose pixels are known.</summary>
    public Window2x2 Convolve(Patch4x4 patch, int channel) => Window2x2.Convolve(patch, Taps3x3.Load(w, 9 * channel)).Plus(channels.Bias(channel));
}

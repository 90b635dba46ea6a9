using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// Numbers of a convolution's pixels window by window: those of a 2 x 2 window follow each other, row by row, so that the four neighbouring columns that
/// <see cref="TiledGemm"/> hands to its result at once are what pooling chooses from.
/// </summary>
internal readonly struct WindowOrder(int windows, int columns)
{
    private readonly Divisor windows = new(windows);
    private readonly Divisor columns = new(columns);

    /// <summary>Windows of an image.</summary>
    public int Windows => windows.Value;

    public (int Image, int Window, int Corner) Of(int pixel)
    {
        int window = pixel >> 2, image = windows.Quotient(window);
        return (image, window - image * windows.Value, pixel & 3);
    }

    public (int Row, int Column) Place(int window, int corner)
    {
        int line = columns.Quotient(window);
        return (2 * line + (corner >> 1), 2 * (window - line * columns.Value) + (corner & 1));
    }
}

/// <summary><see cref="GatheredImages"/> whose outer index counts pixels in <see cref="WindowOrder"/>.</summary>
internal readonly struct GatheredWindows(GatheredImages images, WindowOrder order) : IGemmOperand
{
    private readonly GatheredImages images = images;
    private readonly WindowOrder order = order;

    public static GemmRead Read => GatheredImages.Read;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => GatheredImages.InnerIsPadded;

    public static bool IsStored => true;

    public ArrayView<float> Memory => images.Memory;

    public GemmPlace Outer(int slice, int outer, int further)
    {
        (int image, int window, int corner) = order.Of(outer + further);
        (int row, int column) = order.Place(window, corner);
        return images.At(slice, image, row, column);
    }

    public GemmPlace Inner(int slice, int inner, int further) => images.Inner(slice, inner, further);

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => images.Locate(outer, inner, inside);

    public float Load(GemmPlace outer, GemmPlace inner, bool inside) => images.Load(outer, inner, inside);

    public Quad Load4(GemmPlace outer, GemmPlace inner) => default;
}

/// <summary>
/// The gradient to a convolution's results as the matrix (output channel, pixel in <see cref="WindowOrder"/>), read from that to the pooled results
/// and their winners, (N, K, P / 2, Q / 2): a quarter of the memory, and no kernel of its own.
/// </summary>
internal readonly struct PooledChannelPixels(ArrayView<float> dy, ArrayView<byte> winners, int channels, int groupChannels, WindowOrder order) : IGemmOperand
{
    private readonly ArrayView<float> dy = dy;
    private readonly ArrayView<byte> winners = winners;
    private readonly int channels = channels;
    private readonly int groupChannels = groupChannels;
    private readonly WindowOrder order = order;

    public static GemmRead Read => GemmRead.ThreadsAlongK;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => false;

    public static bool IsStored => false;

    public ArrayView<float> Memory => dy;

    public GemmPlace Outer(int slice, int outer, int further) => new() { Offset = (slice * groupChannels + outer + further) * order.Windows };

    public GemmPlace Inner(int slice, int inner, int further)
    {
        (int image, int window, int corner) = order.Of(inner + further);
        return new GemmPlace { Offset = image * channels * order.Windows + window, Row = corner };
    }

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => default;

    public float Load(GemmPlace outer, GemmPlace inner, bool inside)
    {
        if (!inside) return 0;
        int at = outer.Offset + inner.Offset;
        return winners[at] == inner.Row ? dy[at] : 0;
    }

    public Quad Load4(GemmPlace outer, GemmPlace inner) => default;
}

/// <summary>
/// The same gradient as the implicit matrix of the gradient to the input, (pixel of the input, (output channel, r, s)): row = h + pad - r dilation.
/// </summary>
internal readonly struct GatheredPooled(Conv2DShape shape, ArrayView<float> dy, ArrayView<byte> winners, ArrayView<GemmPlace> taps) : IGemmOperand
{
    private readonly ArrayView<float> dy = dy;
    private readonly ArrayView<byte> winners = winners;
    private readonly ArrayView<GemmPlace> taps = taps;
    private readonly InputPixels pixels = new(shape, shape.OutHeight * shape.OutWidth / 4);
    private readonly int height = shape.OutHeight;
    private readonly int width = shape.OutWidth;

    public static GemmRead Read => GemmRead.ThreadsAlongOuter;

    public static bool OuterIsPadded => false;

    public static bool InnerIsPadded => true;

    public static bool IsStored => false;

    public ArrayView<float> Memory => dy;

    public GemmPlace Outer(int slice, int outer, int further) => pixels.Place(slice, outer + further);

    public GemmPlace Inner(int slice, int inner, int further) => GemmPlace.Quads(taps.SubView(inner))[further];

    public GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside) => default;

    public float Load(GemmPlace outer, GemmPlace inner, bool inside)
    {
        int row = outer.Row + inner.Row, column = outer.Column + inner.Column;
        if (!(inside & (uint)row < (uint)height & (uint)column < (uint)width)) return 0;
        int at = outer.Offset + inner.Offset + (row >> 1) * (width >> 1) + (column >> 1);
        return winners[at] == ((row & 1) << 1 | column & 1) ? dy[at] : 0;
    }

    public Quad Load4(GemmPlace outer, GemmPlace inner) => default;
}

/// <summary>
/// A convolution's results on their way to memory: bias, normalisation by known statistics or none, ReLU and pooling. Row m is a channel of the group, four
/// columns are a window. Without winners (inference) that view is empty.
/// </summary>
internal readonly struct PooledResult(BlockChannels channels, ArrayView<float> y, ArrayView<byte> winners, int allChannels, int groupChannels, WindowOrder order) : IGemmResult
{
    private readonly BlockChannels channels = channels;
    private readonly ArrayView<float> y = y;
    private readonly ArrayView<byte> winners = winners;
    private readonly int allChannels = allChannels;
    private readonly int groupChannels = groupChannels;
    private readonly WindowOrder order = order;

    public int InQuads => 1;

    public int Column(int slice, int n)
    {
        (int image, int window, _) = order.Of(n);
        return (image * allChannels + slice * groupChannels) * order.Windows + window;
    }

    // Columns come in fours always.
    public void Store(int slice, int m, int n, int column, float sum) { }

    public void Store4(int slice, int m, int n, int column, Quad sums)
    {
        Window2x2 z;
        z.V0 = sums.X;
        z.V1 = sums.Y;
        z.V2 = sums.Z;
        z.V3 = sums.W;
        int k = slice * groupChannels + m, at = column + m * order.Windows;
        y[at] = channels.Normalize(z.Plus(channels.Bias(k)), k).ReluMax(out int winner);
        if (winners.Length > 0) winners[at] = (byte)winner;
    }
}

namespace GpuConv.Kernels;

/// <summary>Numbers of the pixels of all images, row by row.</summary>
internal readonly struct PixelOrder(int height, int width)
{
    private readonly Divisor pixels = new(height * width);
    private readonly Divisor width = new(width);

    public (int Image, int Row, int Column) Of(int number)
    {
        int image = pixels.Quotient(number), pixel = number - image * pixels.Value, row = width.Quotient(pixel);
        return (image, row, pixel - row * width.Value);
    }
}

/// <summary>The pixels of a convolution's input as the gradient to it meets the gradient to the output: a tap is subtracted from row + pad.</summary>
/// <param name="shape">The convolution.</param>
/// <param name="planeSize">Elements of a channel of the gradient to the output.</param>
internal readonly struct InputPixels(Conv2DShape shape, int planeSize)
{
    private readonly PixelOrder order = new(shape.InHeight, shape.InWidth);
    private readonly int imageSize = shape.OutChannels * planeSize;
    private readonly int groupSize = shape.GroupOutChannels * planeSize;
    private readonly int padTop = shape.PadTop;
    private readonly int padLeft = shape.PadLeft;

    public GemmPlace Place(int slice, int pixel)
    {
        (int image, int row, int column) = order.Of(pixel);
        return new GemmPlace { Offset = image * imageSize + slice * groupSize, Row = row + padTop, Column = column + padLeft };
    }
}

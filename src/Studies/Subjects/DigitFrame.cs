namespace GpuConv.Studies;

/// <summary>
/// A drawing in the frame of MNIST's digits: cut out, its longer side scaled to 20 of the frame's 28 pixels, its centre of mass in the frame's middle
/// (LeCun, Cortes, Burges: The MNIST database of handwritten digits).
/// </summary>
internal static class DigitFrame
{
    private const double Filled = 20 / 28.0;

    // Of the strongest stroke, and of white for it: below it is paper, its shadows and a camera's noise.
    private const double LeastInk = 0.1;

    /// <summary>Puts a drawing into a frame.</summary>
    /// <param name="grey">Its pixels, row by row.</param>
    /// <param name="height">Their rows.</param>
    /// <param name="width">Their columns.</param>
    /// <param name="frameHeight">The frame's rows.</param>
    /// <param name="frameWidth">The frame's columns.</param>
    /// <param name="invert">yes, no, or auto: by the border.</param>
    /// <returns>The frame, row by row; null if nothing is drawn: no pixel is lighter than the ground by a tenth of all that there is between black and white.</returns>
    public static byte[]? Centred(byte[] grey, int height, int width, int frameHeight, int frameWidth, string invert)
    {
        ImageInput.Inverted(grey, height, width, invert);
        if (Ink(grey, height, width) is not { } ink) return null;
        var frame = new byte[frameHeight * frameWidth];
        (int top, int left, int bottom, int right) = Bounds(ink, height, width);
        double scale = Filled * Math.Min(frameHeight, frameWidth) / Math.Max(bottom - top, right - left);
        int rows = Math.Max(1, (int)Math.Round((bottom - top) * scale)), columns = Math.Max(1, (int)Math.Round((right - left) * scale));
        double[] scaled = Averaged(ink, width, top, left, bottom - top, right - left, rows, columns);
        (double y, double x) = Middle(scaled, rows, columns);
        // MNIST has the centre of mass at pixel 14 of 0 to 27. Where the mass lies far to one side, the drawing stays inside the frame.
        int firstRow = Math.Clamp((int)Math.Round(frameHeight / 2.0 - y), 0, frameHeight - rows), firstColumn = Math.Clamp((int)Math.Round(frameWidth / 2.0 - x), 0, frameWidth - columns);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) frame[(firstRow + row) * frameWidth + firstColumn + column] = (byte)Math.Round(255 * scaled[row * columns + column]);
        return frame;
    }

    // 0 is the ground, by the median of the border, 1 the strongest stroke.
    private static double[]? Ink(byte[] grey, int height, int width)
    {
        byte[] border = [.. Enumerable.Range(0, grey.Length).Where(i => i / width == 0 || i / width == height - 1 || i % width == 0 || i % width == width - 1).Select(i => grey[i]).Order()];
        int paper = border[border.Length / 2], strongest = grey.Max();
        return strongest - paper > LeastInk * 255 ? [.. grey.Select(v => Math.Max(0, v - paper) / (double)(strongest - paper))] : null;
    }

    private static (int Top, int Left, int Bottom, int Right) Bounds(double[] ink, int height, int width)
    {
        (int top, int left, int bottom, int right) = (height, width, 0, 0);
        for (int i = 0; i < ink.Length; i++)
        {
            if (ink[i] < LeastInk) continue;
            (int y, int x) = (i / width, i % width);
            (top, left, bottom, right) = (Math.Min(top, y), Math.Min(left, x), Math.Max(bottom, y + 1), Math.Max(right, x + 1));
        }
        return (top, left, bottom, right);
    }

    // Each new pixel is the mean over the area that it covers.
    private static double[] Averaged(double[] values, int stride, int top, int left, int height, int width, int rows, int columns)
    {
        double[] across = new double[height * columns], averaged = new double[rows * columns];
        for (int row = 0; row < height; row++)
            for (int column = 0; column < columns; column++) across[row * columns + column] = Mean(column, columns, width, i => values[(top + row) * stride + left + i]);
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) averaged[row * columns + column] = Mean(row, rows, height, i => across[i * columns + column]);
        return averaged;
    }

    private static double Mean(int index, int count, int length, Func<int, double> value)
    {
        double from = (double)index * length / count, to = (double)(index + 1) * length / count, sum = 0;
        for (int i = (int)from; i < length && i < to; i++) sum += value(i) * (Math.Min(to, i + 1) - Math.Max(from, i));
        return sum / (to - from);
    }

    private static (double Y, double X) Middle(double[] values, int rows, int columns)
    {
        double sum = 0, y = 0, x = 0;
        for (int i = 0; i < values.Length; i++)
        {
            sum += values[i];
            y += values[i] * (i / columns);
            x += values[i] * (i % columns);
        }
        return (y / sum, x / sum);
    }
}

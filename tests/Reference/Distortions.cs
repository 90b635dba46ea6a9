using GpuConv.Kernels;

namespace GpuConv.Tests.Reference;

/// <summary>
/// The random distortion of an image from its definition, in float64: the image is scaled, sheared and turned about its middle and moved, and
/// each pixel of the result is looked up where the inverse of all that, and an elastic displacement, put it.
/// </summary>
public static class Distortions
{
    private const int Nodes = 5;

    /// <summary>The distorted image, in bytes with fractions; <paramref name="plane"/> is one channel.</summary>
    public static double[] Distorted(byte[] plane, int height, int width, DistortionOptions options, ulong seed, int image)
    {
        double tangent = Number(0) * Math.Tan(options.Rotation * Math.PI / 360), angle = 2 * Math.Atan(tangent);
        double byHeight = 1 / (1 + options.Scale * Number(1)), byWidth = 1 / (1 + options.Scale * Number(2)), slant = options.Shear * Number(3);
        double down = options.Shift * Number(4), right = options.Shift * Number(5);

        // Acting on (down, right): first scaled, then sheared, then turned anticlockwise as one sees it.
        double[,] scaling = { { byHeight, 0 }, { 0, byWidth } }, shear = { { 1, 0 }, { slant, 1 } };
        double[,] turn = { { Math.Cos(angle), -Math.Sin(angle) }, { Math.Sin(angle), Math.Cos(angle) } };
        double[,] forward = Product(turn, Product(shear, scaling));
        double determinant = forward[0, 0] * forward[1, 1] - forward[0, 1] * forward[1, 0];
        double middleRow = (height - 1) / 2.0, middleColumn = (width - 1) / 2.0;

        var result = new double[height * width];
        for (int row = 0; row < height; row++)
        {
            for (int column = 0; column < width; column++)
            {
                double y = row - middleRow - down, x = column - middleColumn - right;
                double fromRow = middleRow + (forward[1, 1] * y - forward[0, 1] * x) / determinant + Elastic(row, column, 0);
                double fromColumn = middleColumn + (forward[0, 0] * x - forward[1, 0] * y) / determinant + Elastic(row, column, 1);
                // Each pixel of the image is a tent of height 1 and half-width 1.
                double sum = 0;
                for (int r = (int)Math.Floor(fromRow); r <= Math.Floor(fromRow) + 1; r++)
                    for (int c = (int)Math.Floor(fromColumn); c <= Math.Floor(fromColumn) + 1; c++)
                        if (r >= 0 && r < height && c >= 0 && c < width) sum += plane[r * width + c] * Tent(fromRow - r) * Tent(fromColumn - c);
                result[row * width + column] = sum;
            }
        }
        return result;

        double Number(int number)
        {
            (uint first, uint second) = CounterHash.Key(seed, 0);
            uint bits = CounterHash.Bits((uint)(image * 64 + number), first, second);
            return Math.Floor((int)bits / 256.0) / (1 << 23);
        }

        double Elastic(int row, int column, int axis)
        {
            double y = height > 1 ? row * (Nodes - 1.0) / (height - 1) : 0, x = width > 1 ? column * (Nodes - 1.0) / (width - 1) : 0, sum = 0;
            for (int r = 0; r < Nodes; r++)
                for (int c = 0; c < Nodes; c++)
                    sum += options.Elastic * Number(8 + 2 * (r * Nodes + c) + axis) * Tent(y - r) * Tent(x - c);
            return sum;
        }
    }

    /// <summary>An image turned about its middle, anticlockwise as one sees it, and then moved, in bytes with fractions; <paramref name="plane"/> is one channel.</summary>
    public static double[] Moved(byte[] plane, int height, int width, ImageMove move)
    {
        double angle = move.Rotation * Math.PI / 180;
        var result = new double[height * width];
        // Each pixel of the image is carried to its place, and shared out to where it is looked up from: the sum is over all pairs.
        for (int at = 0; at < result.Length; at++)
        {
            for (int source = 0; source < plane.Length; source++)
            {
                double x = at % width - (width - 1) / 2.0 - move.Right, y = at / width - (height - 1) / 2.0 - move.Down;
                double fromX = x * Math.Cos(angle) - y * Math.Sin(angle), fromY = x * Math.Sin(angle) + y * Math.Cos(angle);
                result[at] += plane[source] * Tent(fromX + (width - 1) / 2.0 - source % width) * Tent(fromY + (height - 1) / 2.0 - source / width);
            }
        }
        return result;
    }

    private static double Tent(double distance) => Math.Max(0, 1 - Math.Abs(distance));

    private static double[,] Product(double[,] a, double[,] b)
    {
        var product = new double[2, 2];
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                product[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j];
        return product;
    }
}

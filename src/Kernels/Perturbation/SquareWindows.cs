using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The random proposals of the Square attack (Andriushchenko et al. 2020, arXiv 1912.00049): changes of square windows at random places, whose size the attack decides. All that is
/// random is a hash of seed, draw and the image's number, so that an image's proposals do not depend on its batch. Windows lie anywhere inside the image; in the
/// authors' program they never touch its last row and column.
/// </summary>
public sealed class SquareWindows
{
    private readonly IndexKernel<StripesKernel> stripes;
    private readonly IndexKernel<BoxKernel> box;
    private readonly IndexKernel<TilesKernel> tiles;
    private readonly IndexKernel<BallKernel> ball;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public SquareWindows(Device device) => (stripes, box, tiles, ball) = (new(device), new(device), new(device), new(device));

    /// <summary>The first proposal in the largest change: stripes one pixel wide, each of its channel up or down by epsilon. Overwrites y.</summary>
    /// <param name="x">The originals (N, C, H, W), or (N, …) as one row of pixels.</param>
    /// <param name="numbers">The number of each image (N).</param>
    /// <param name="epsilon">The bound.</param>
    /// <param name="lower">The smallest values, in the shape of x.</param>
    /// <param name="upper">The largest.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Which of many draws.</param>
    /// <param name="y">The proposals.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Stripes(Tensor<float> x, Tensor<int> numbers, float epsilon, Tensor<float> lower, Tensor<float> upper, ulong seed, uint draw, Tensor<float> y)
    {
        var drawn = new Draw(x.Shape, 1, epsilon, seed, draw);
        Check(x, numbers, drawn, y, lower, upper);
        stripes.Launch(x.Count, new StripesKernel(drawn, numbers.View, x.View, lower.View, upper.View, y.View));
    }

    /// <summary>A proposal in the largest change: x with each channel of a window moved up or down by twice epsilon and cut to the bounds. Overwrites y.</summary>
    /// <param name="x">The best images so far (N, C, H, W), or (N, …) as one row of pixels.</param>
    /// <param name="numbers">The number of each image (N).</param>
    /// <param name="side">Height and width of the window, at most the image's.</param>
    /// <param name="epsilon">The bound.</param>
    /// <param name="lower">The smallest values, in the shape of x.</param>
    /// <param name="upper">The largest.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Which of many draws.</param>
    /// <param name="y">The proposals.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the window is larger than the image.</exception>
    public void InBox(Tensor<float> x, Tensor<int> numbers, int side, float epsilon, Tensor<float> lower, Tensor<float> upper, ulong seed, uint draw, Tensor<float> y)
    {
        var drawn = new Draw(x.Shape, side, epsilon, seed, draw);
        Check(x, numbers, drawn, y, lower, upper);
        box.Launch(x.Count, new BoxKernel(drawn, numbers.View, x.View, lower.View, upper.View, y.View));
    }

    /// <summary>The first proposal in the Euclidean norm: five by five tiles of the pattern, each up or down, scaled to length epsilon and cut to 0..1. Overwrites y.</summary>
    /// <param name="original">The originals (N, C, H, W), or (N, …) as one row of pixels.</param>
    /// <param name="numbers">The number of each image (N).</param>
    /// <param name="epsilon">The bound.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Which of many draws.</param>
    /// <param name="y">The proposals.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Tiles(Tensor<float> original, Tensor<int> numbers, float epsilon, ulong seed, uint draw, Tensor<float> y)
    {
        var drawn = new Draw(original.Shape, 1, epsilon, seed, draw);
        Check(original, numbers, drawn, y);
        tiles.Launch(numbers.Count, new TilesKernel(drawn, numbers.View, original.View, y.View), 1);
    }

    /// <summary>
    /// A proposal in the Euclidean norm: the change inside one window is taken away, and with what the bound leaves free spent on the pattern in another. Overwrites y.
    /// </summary>
    /// <param name="x">The best images so far (N, C, H, W), or (N, …) as one row of pixels.</param>
    /// <param name="numbers">The number of each image (N).</param>
    /// <param name="side">Height and width of the windows, at most the image's.</param>
    /// <param name="original">The originals.</param>
    /// <param name="epsilon">The bound.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="draw">Which of many draws.</param>
    /// <param name="y">The proposals.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or the window is larger than the image.</exception>
    public void InBall(Tensor<float> x, Tensor<int> numbers, int side, Tensor<float> original, float epsilon, ulong seed, uint draw, Tensor<float> y)
    {
        var drawn = new Draw(x.Shape, side, epsilon, seed, draw);
        Check(x, numbers, drawn, y, original);
        ball.Launch(numbers.Count, new BallKernel(drawn, numbers.View, x.View, original.View, y.View), 1);
    }

    private static void Check(Tensor<float> x, Tensor<int> numbers, Draw draw, Tensor<float> y, params ReadOnlySpan<Tensor<float>> others)
    {
        Require.Shape(numbers, new Shape(x.Shape[0]));
        Require.SameCount(x, y);
        foreach (Tensor<float> other in others) Require.SameCount(x, other);
        if (draw.Side < 1 || draw.Side > Math.Min(draw.Height, draw.Width)) throw new ArgumentException($"A window of {draw.Side} is not inside images of {draw.Height} x {draw.Width}.", nameof(draw));
    }

    // One index owns one element.
    internal readonly struct StripesKernel(Draw draw, ArrayView<int> numbers, ArrayView<float> x, ArrayView<float> lower, ArrayView<float> upper, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i)
        {
            int image = i / draw.Elements, element = i - image * draw.Elements;
            int channel = element / draw.Plane, column = element % draw.Width;
            float sign = draw.Sign(numbers[image], channel * draw.Width + column);
            y[i] = Cut(x[i] + sign * draw.Epsilon, lower[i], upper[i]);
        }
    }

    internal readonly struct BoxKernel(Draw draw, ArrayView<int> numbers, ArrayView<float> x, ArrayView<float> lower, ArrayView<float> upper, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i)
        {
            int image = i / draw.Elements, element = i - image * draw.Elements, number = numbers[image];
            int channel = element / draw.Plane, pixel = element - channel * draw.Plane, row = pixel / draw.Width, column = pixel - row * draw.Width;
            int top = draw.Top(number, 0), left = draw.Left(number, 0);
            float moved = x[i];
            if (row >= top && row < top + draw.Side && column >= left && column < left + draw.Side)
                moved += 2 * draw.Epsilon * draw.Sign(number, channel);
            y[i] = Cut(moved, lower[i], upper[i]);
        }
    }

    // One index owns one image.
    internal readonly struct TilesKernel(Draw draw, ArrayView<int> numbers, ArrayView<float> original, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int n)
        {
            int start = n * draw.Elements, number = numbers[n];
            int side = draw.Height / 5 > 1 ? draw.Height / 5 : 1, tilesDown = draw.Height / side, tilesAcross = draw.Width / side;
            for (int i = 0; i < draw.Elements; i++) y[start + i] = 0;
            for (int channel = 0; channel < draw.Channels; channel++)
            {
                for (int tile = 0; tile < tilesDown * tilesAcross; tile++)
                {
                    int top = tile / tilesAcross * side, left = tile % tilesAcross * side, key = channel * tilesDown * tilesAcross + tile;
                    float sign = draw.Sign(number, 2 * key);
                    bool turned = draw.Sign(number, 2 * key + 1) > 0;
                    for (int k = 0; k < side * side; k++)
                    {
                        int row = k / side, column = k - row * side;
                        y[start + channel * draw.Plane + (top + row) * draw.Width + left + column] = sign * Pattern(turned ? column : row, turned ? row : column, side);
                    }
                }
            }
            Finish(start, draw, original, y);
        }
    }

    internal readonly struct BallKernel(Draw draw, ArrayView<int> numbers, ArrayView<float> x, ArrayView<float> original, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int n)
        {
            int start = n * draw.Elements, number = numbers[n], side = draw.Side;
            int top = draw.Top(number, 0), left = draw.Left(number, 0), otherTop = draw.Top(number, 1), otherLeft = draw.Left(number, 1);
            bool turned = draw.Sign(number, -1) > 0;
            float whole = 0;
            for (int i = start; i < start + draw.Elements; i++)
            {
                y[i] = x[i] - original[i];
                whole += y[i] * y[i];
            }
            float free = draw.Epsilon * draw.Epsilon - whole;
            free = free > 0 ? free : 0;
            float patternLength = 0;
            for (int k = 0; k < side * side; k++)
            {
                float value = Pattern(k / side, k % side, side);
                patternLength += value * value;
            }
            patternLength = XMath.Sqrt(patternLength);
            for (int channel = 0; channel < draw.Channels; channel++)
            {
                int plane = start + channel * draw.Plane;
                // The change inside the window, and inside both, before it is taken away.
                float inside = 0, both = 0;
                for (int row = 0; row < draw.Height; row++)
                {
                    for (int column = 0; column < draw.Width; column++)
                    {
                        bool here = row >= top && row < top + side && column >= left && column < left + side;
                        bool there = row >= otherTop && row < otherTop + side && column >= otherLeft && column < otherLeft + side;
                        float d = y[plane + row * draw.Width + column];
                        if (here) inside += d * d;
                        if (here || there) both += d * d;
                    }
                }
                inside = XMath.Sqrt(inside);
                float sign = draw.Sign(number, channel), length = 0;
                for (int k = 0; k < side * side; k++)
                {
                    int row = k / side, column = k - row * side, at = plane + (top + row) * draw.Width + left + column;
                    float value = sign * Pattern(turned ? column : row, turned ? row : column, side) / patternLength;
                    if (inside > 0) value += y[at] / inside;
                    length += value * value;
                }
                length = XMath.Sqrt(length);
                float size = length > 0 ? XMath.Sqrt(free / draw.Channels + both) / length : 0f;
                // The windows may overlap: the old change is read before the other window is cleared.
                for (int k = 0; k < side * side; k++)
                {
                    int row = k / side, column = k - row * side, at = plane + (top + row) * draw.Width + left + column;
                    float value = sign * Pattern(turned ? column : row, turned ? row : column, side) / patternLength;
                    if (inside > 0) value += y[at] / inside;
                    y[at] = size * value;
                }
                for (int k = 0; k < side * side; k++)
                {
                    int row = otherTop + k / side, column = otherLeft + k % side;
                    bool here = row >= top && row < top + side && column >= left && column < left + side;
                    if (!here) y[plane + row * draw.Width + column] = 0;
                }
            }
            Finish(start, draw, original, y);
        }
    }

    // The change in y scaled to length epsilon, added to the original and cut to 0..1.
    private static void Finish(int start, Draw draw, ArrayView<float> original, ArrayView<float> y)
    {
        float length = 0;
        for (int i = start; i < start + draw.Elements; i++) length += y[i] * y[i];
        length = XMath.Sqrt(length);
        float size = length > 0 ? draw.Epsilon / length : 0f;
        for (int i = start; i < start + draw.Elements; i++) y[i] = Cut(original[i] + size * y[i], 0, 1);
    }

    // The paper's pattern, section 4.2: two halves of opposite sign, each falling from its middle as rings of 1 / ring^2.
    private static float Pattern(int row, int column, int side)
    {
        int half = side / 2;
        return row < half ? Bump(row, column, half, side) : -Bump(row - half, column, side - half, side);
    }

    // The rings around the middle of a rectangle: ring k adds 1 / (k + 1)^2 to the pixels at most k away from it.
    private static float Bump(int row, int column, int height, int width)
    {
        int down = height / 2, across = width / 2, rings = (down > across ? down : across) + 1;
        float sum = 0;
        for (int k = 0; k < rings; k++)
        {
            bool inside = row >= down - k && row <= down + k && column >= across - k && column <= across + k;
            if (inside) sum += 1f / ((k + 1) * (k + 1));
        }
        return sum;
    }

    private static float Cut(float value, float lower, float upper)
    {
        float cut = value > lower ? value : lower;
        return cut < upper ? cut : upper;
    }

    /// <summary>The images' geometry and one draw of random windows.</summary>
    internal readonly struct Draw
    {
        public readonly int Elements, Channels, Height, Width, Side;
        public readonly float Epsilon;
        private readonly uint first, second;

        public Draw(Shape shape, int side, float epsilon, ulong seed, uint draw)
        {
            Elements = shape[0] == 0 ? 1 : shape.Count / shape[0];
            bool planes = shape.Rank == 4;
            (Channels, Height, Width) = planes ? (shape[1], shape[2], shape[3]) : (1, 1, Elements);
            (Side, Epsilon) = (side, epsilon);
            (first, second) = CounterHash.Key(seed, draw);
        }

        public int Plane => Height * Width;

        // The first five numbers of an image's are places of two windows and the way the pattern is turned, the rest signs.
        public int Top(int number, int window) => CounterHash.Below(Bits(number, 2 * window), Height - Side + 1);

        public int Left(int number, int window) => CounterHash.Below(Bits(number, 2 * window + 1), Width - Side + 1);

        public float Sign(int number, int index) => Bits(number, 5 + index) >> 31 == 0 ? -1f : 1f;

        private uint Bits(int number, int index) => CounterHash.Bits(((uint)number << 12) + (uint)index, first, second);
    }
}

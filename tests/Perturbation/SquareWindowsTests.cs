using GpuConv.Kernels;

namespace GpuConv.Tests;

public class SquareWindowsTests
{
    private static readonly Shape[] Shapes = [new(3, 1, 8, 6), new(2, 3, 7, 9), new(4, 12)];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_first_proposal_has_stripes_up_or_down_by_epsilon(string deviceName)
    {
        foreach (Shape shape in TestScope.Some(deviceName, Shapes))
        {
            using var set = new Set(deviceName, shape, 0.1f);
            float[] y = set.Run((w, to) => w.Stripes(set.X, set.Numbers, set.Epsilon, set.Lower, set.Upper, 3, 0, to));
            (_, int width, int plane) = set.Geometry;
            for (int i = 0; i < y.Length; i++)
            {
                float up = MathF.Min(set.Pixels[i] + set.Epsilon, 1), down = MathF.Max(set.Pixels[i] - set.Epsilon, 0);
                Assert.True(y[i] == up || y[i] == down, $"{shape}, {i}: {y[i]} from {set.Pixels[i]}");
                int above = i - width;
                if (i % plane >= width) Assert.Equal(y[above] > set.Pixels[above], y[i] > set.Pixels[i]);
            }
            Assert.Contains(true, y.Zip(set.Pixels, (a, b) => a > b));
            Assert.Contains(true, y.Zip(set.Pixels, (a, b) => a < b));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_proposal_in_the_box_changes_one_window_anywhere_inside(string deviceName)
    {
        foreach (Shape shape in TestScope.Some(deviceName, Shapes))
        {
            using var set = new Set(deviceName, shape, 0.3f);
            (int height, int width, int plane) = set.Geometry;
            foreach (int side in (int[])[1, Math.Min(3, height), Math.Min(height, width)])
            {
                int draws = TestDevices.IsSlow(TestDevices.Get(deviceName)) ? 4 : 40;
                var changed = new bool[plane];
                for (uint draw = 0; draw < draws; draw++)
                {
                    float[] y = set.Run((w, to) => w.InBox(set.X, set.Numbers, side, set.Epsilon, set.Lower, set.Upper, 3, draw, to));
                    for (int image = 0; image < shape[0]; image++)
                    {
                        int elements = shape.Count / shape[0];
                        int[] pixels = [.. Enumerable.Range(0, elements).Where(e => y[image * elements + e] != set.Pixels[image * elements + e])];
                        int[] rows = [.. pixels.Select(e => e % plane / width)], columns = [.. pixels.Select(e => e % width)];
                        Assert.Equal((side, side, side * side * elements / plane), (rows.Max() - rows.Min() + 1, columns.Max() - columns.Min() + 1, pixels.Length));
                        foreach (int e in pixels)
                        {
                            int i = image * elements + e;
                            // Twice epsilon, cut back to epsilon on the one side or the other.
                            Assert.True(y[i] == set.LowerValues[i] || y[i] == set.UpperValues[i], $"{y[i]}");
                            changed[e % plane] = true;
                        }
                    }
                }
                // 40 draws of several images reach the last row and column.
                if (draws == 40 && side > 1) Assert.True(changed[^1], $"{shape}, window {side}");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_proposal_in_the_ball_clears_one_window_and_spends_it_in_another(string deviceName)
    {
        foreach (Shape shape in TestScope.Some(deviceName, Shapes))
        {
            using var set = new Set(deviceName, shape, 0.4f);
            (int height, int width, int plane) = set.Geometry;
            int elements = shape.Count / shape[0], side = Math.Min(3, height);
            // In the middle of the scale, so that nothing is cut.
            float[] first = set.Run((w, to) => w.Tiles(set.Grey, set.Numbers, set.Epsilon, 3, 0, to));
            RequireLength(first, set, elements);
            Tensor<float> x = set.On(first);
            float[] second = set.Run((w, to) => w.InBall(x, set.Numbers, side, set.Grey, set.Epsilon, 3, 1, to));
            RequireLength(second, set, elements);
            int differing = 0;
            for (int image = 0; image < shape[0]; image++)
            {
                // Outside both windows only the scale changes: all elements by one factor.
                double[] ratios = [.. Enumerable.Range(image * elements, elements).Where(i => Math.Abs(first[i] - 0.5) > 1e-3).Select(i => (second[i] - 0.5) / (first[i] - 0.5))];
                double usual = ratios.GroupBy(r => Math.Round(r, 3)).MaxBy(g => g.Count())!.Key;
                differing += Enumerable.Range(image * elements, elements).Count(i => Math.Abs(second[i] - 0.5 - usual * (first[i] - 0.5)) > 2e-3);
            }
            Assert.InRange(differing, 1, 2 * side * side * shape.Count / plane);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Proposals_go_by_the_images_number_alone(string deviceName)
    {
        using var set = new Set(deviceName, new Shape(2, 1, 8, 6), 0.2f);
        using var same = new Set(deviceName, new Shape(2, 1, 8, 6), 0.2f, [6, 5]);
        float[] a = set.Run((w, to) => w.InBox(set.Grey, set.Numbers, 3, 0.2f, set.Zeros, set.Ones, 3, 7, to));
        float[] b = same.Run((w, to) => w.InBox(same.Grey, same.Numbers, 3, 0.2f, same.Zeros, same.Ones, 3, 7, to));
        Assert.Equal(a[..48], b[48..]);
        Assert.Equal(a[48..], b[..48]);
        Assert.NotEqual(a[..48], a[48..]);
        Assert.NotEqual(a, set.Run((w, to) => w.InBox(set.Grey, set.Numbers, 3, 0.2f, set.Zeros, set.Ones, 3, 8, to)));
        Assert.Throws<ArgumentException>(() => set.Run((w, to) => w.InBox(set.X, set.Numbers, 7, 0.2f, set.Lower, set.Upper, 3, 7, to)));
    }

    private static void RequireLength(float[] y, Set set, int elements)
    {
        for (int image = 0; image < y.Length / elements; image++)
        {
            double length = Math.Sqrt(y[(image * elements)..((image + 1) * elements)].Sum(v => (v - 0.5) * (v - 0.5)));
            // Sums of that many squares, a quotient, and a difference to one half.
            Assert.Equal(set.Epsilon, length, set.Epsilon * (elements + 64) * Tolerance.U);
        }
    }

    /// <summary>Images on a device with their bounds.</summary>
    private sealed class Set : IDisposable
    {
        private readonly DeviceArena arena;
        private readonly SquareWindows windows;
        private readonly Shape shape;

        public Set(string deviceName, Shape shape, float epsilon, int[]? numbers = null)
        {
            Device device = TestDevices.Get(deviceName);
            arena = new DeviceArena(device);
            windows = new SquareWindows(device);
            (this.shape, Epsilon) = (shape, epsilon);
            var random = new Random(shape.Count);
            // Never on a bound, where a change that is cut is none.
            Pixels = [.. Enumerable.Range(0, shape.Count).Select(_ => 0.05f + 0.9f * random.NextSingle())];
            LowerValues = [.. Pixels.Select(v => MathF.Max(0, v - epsilon))];
            UpperValues = [.. Pixels.Select(v => MathF.Min(1, v + epsilon))];
            (X, Lower, Upper) = (On(Pixels), On(LowerValues), On(UpperValues));
            (Grey, Zeros, Ones) = (On([.. Pixels.Select(_ => 0.5f)]), On(new float[Pixels.Length]), On([.. Pixels.Select(_ => 1f)]));
            Numbers = arena.Allocate<int>(new Shape(shape[0]));
            Numbers.CopyFrom(numbers ?? [.. Enumerable.Range(5, shape[0])]);
        }

        public float Epsilon { get; }

        public float[] Pixels { get; }

        public float[] LowerValues { get; }

        public float[] UpperValues { get; }

        public Tensor<float> X { get; }

        public Tensor<float> Lower { get; }

        public Tensor<float> Upper { get; }

        public Tensor<float> Grey { get; }

        public Tensor<float> Zeros { get; }

        public Tensor<float> Ones { get; }

        public Tensor<int> Numbers { get; }

        public (int Height, int Width, int Plane) Geometry => shape.Rank == 4 ? (shape[2], shape[3], shape[2] * shape[3]) : (1, shape[1], shape[1]);

        public Tensor<float> On(float[] values)
        {
            Tensor<float> tensor = arena.Allocate<float>(shape);
            tensor.CopyFrom(values);
            return tensor;
        }

        public void Dispose() => arena.Dispose();

        public float[] Run(Action<SquareWindows, Tensor<float>> propose)
        {
            GuardedTensor y = Check.Guarded(arena, shape);
            propose(windows, y.Tensor);
            return y.Read("y");
        }
    }
}

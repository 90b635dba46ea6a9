using GpuConv.Kernels;

namespace GpuConv.Tests;

public class ImageOperatorsTests
{
    private static readonly (int Images, int Pixels)[] Shapes = [(1, 1), (3, 7), (2, 64), (5, 65), (4, 100), (2, 784)];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Norms_are_those_of_each_image(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var norm = new ImageNorm(device);
        foreach ((int images, int pixels) in TestScope.Some(deviceName, Shapes))
        {
            using var arena = new DeviceArena(device);
            double[] x = Values.Normal(new Random(pixels), images * pixels);
            Tensor<float> on = Values.On(arena, new Shape(images, pixels), x);
            GuardedTensor squares = Check.Guarded(arena, new Shape(images)), absolutes = Check.Guarded(arena, new Shape(images));
            norm.Squares(on, squares.Tensor);
            norm.Absolutes(on, absolutes.Tensor);
            double[][] each = [.. Enumerable.Range(0, images).Select(n => x[(n * pixels)..((n + 1) * pixels)])];
            // A sum of that many positive terms: each partial sum rounds by at most u of itself, and lanes add few of them.
            var tolerance = new Tolerance(0, (pixels / 16 + 32) * Tolerance.U);
            Check.Close([.. each.Select(row => row.Sum(v => v * v))], squares.Read("squares"), tolerance, $"squares of {images} x {pixels}");
            Check.Close([.. each.Select(row => row.Sum(Math.Abs))], absolutes.Read("absolutes"), tolerance, $"absolutes of {images} x {pixels}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Each_image_has_a_factor_of_its_own(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var axpby = new ImageAxpby(device);
        foreach ((int images, int pixels) in TestScope.Some(deviceName, Shapes))
        {
            foreach (bool signs in (bool[])[false, true])
            {
                using var arena = new DeviceArena(device);
                var random = new Random(pixels);
                double[] x = Values.Normal(random, images * pixels), y = Values.Normal(random, images * pixels), factors = Values.Normal(random, images);
                x[0] = 0;
                if (images > 1)
                {
                    // A factor of 0 takes away what is no number.
                    factors[1] = 0;
                    x[pixels] = double.NaN;
                }
                GuardedTensor to = Check.Guarded(arena, new Shape(images, pixels));
                to.Tensor.CopyFrom([.. y.Select(v => (float)v)]);
                axpby.Add(to.Tensor, 0.75f, Values.On(arena, new Shape(images), factors), Values.On(arena, new Shape(images, pixels), x), signs);
                double Expected(int i) => 0.75 * y[i] + (factors[i / pixels] == 0 ? 0 : factors[i / pixels] * (signs ? Math.Sign(x[i]) : x[i]));
                Check.Close([.. Enumerable.Range(0, y.Length).Select(Expected)], to.Read("y"), new Tolerance(32 * Tolerance.U, 4 * Tolerance.U), $"{images} x {pixels}, signs {signs}");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Only_flagged_images_are_copied(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var select = new ImageSelect(device);
        foreach ((int images, int pixels) in TestScope.Some(deviceName, Shapes))
        {
            using var arena = new DeviceArena(device);
            float[] from = [.. Enumerable.Range(0, images * pixels).Select(i => i + 0.5f)], before = [.. from.Select(v => -v)];
            int[] flags = [.. Enumerable.Range(0, images).Select(n => n % 2 == 0 ? n + 1 : 0)];
            GuardedTensor to = Check.Guarded(arena, new Shape(images, pixels));
            to.Tensor.CopyFrom(before);
            select.Copy(Ints(arena, new Shape(images), flags), Floats(arena, to.Tensor.Shape, from), to.Tensor);
            Assert.Equal(from.Select((v, i) => flags[i / pixels] != 0 ? v : -v), to.Read("to"));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_saliency_maps_best_pair_is_moved_and_leaves_the_domain(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var pairs = new SaliencyPair(device);
        foreach (float theta in (float[])[1, -0.25f])
        {
            foreach ((int images, int pixels) in (ReadOnlySpan<(int, int)>)[(1, 2), (3, 7), (4, 30)])
            {
                using var arena = new DeviceArena(device);
                var random = new Random(pixels);
                var shape = new Shape(images, pixels);
                double[] target = Values.Normal(random, shape.Count), others = [.. target.Select(v => -v + random.NextDouble() - 0.5).Select(v => (double)(float)v)];
                float[] x = [.. Enumerable.Range(0, shape.Count).Select(_ => random.NextSingle())], domain = [.. x.Select((_, i) => i % 5 == 4 ? 0f : 1)];
                int[] searched = [.. Enumerable.Range(0, images).Select(n => n == 1 ? 0 : 1)];
                // The last image has nothing that raises its target.
                if (images > 2) target.AsSpan((images - 1) * pixels, pixels).Fill(theta > 0 ? -1 : 1);
                GuardedTensor moved = Check.Guarded(arena, shape);
                moved.Tensor.CopyFrom(x);
                Tensor<float> domainOn = Floats(arena, shape, domain);
                Tensor<int> found = Ints(arena, new Shape(images), searched);
                pairs.Step(Values.On(arena, shape, target), Values.On(arena, shape, others), theta, moved.Tensor, domainOn, found, arena.Allocate<float>(shape), arena.Allocate<int>(shape));

                float[] expected = [.. x], left = [.. domain];
                var expectedFound = new int[images];
                for (int n = 0; n < images; n++)
                {
                    if (searched[n] == 0) continue;
                    (double value, int p, int q) = (0, -1, -1);
                    for (int i = n * pixels; i < (n + 1) * pixels; i++)
                    {
                        for (int j = i + 1; j < (n + 1) * pixels; j++)
                        {
                            double alpha = Math.Sign(theta) * (target[i] + target[j]), beta = Math.Sign(theta) * (others[i] + others[j]);
                            if (domain[i] * domain[j] > 0 && alpha > 0 && beta < 0 && -alpha * beta > value) (value, p, q) = (-alpha * beta, i, j);
                        }
                    }
                    if (p < 0) continue;
                    expectedFound[n] = 1;
                    foreach (int i in (int[])[p, q]) (expected[i], left[i]) = (Math.Clamp(x[i] + theta, 0, 1), 0);
                }
                Assert.Equal(expected, moved.Read("x"));
                Assert.Equal(left, domainOn.ToArray());
                Assert.Equal(expectedFound, found.ToArray());
                if (images > 2) Assert.Equal(0, expectedFound[^1]);
                if (images > 1) Assert.Contains(1, expectedFound);
            }
        }
    }

    private static Tensor<int> Ints(DeviceArena arena, Shape shape, int[] values)
    {
        Tensor<int> tensor = arena.Allocate<int>(shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    private static Tensor<float> Floats(DeviceArena arena, Shape shape, float[] values)
    {
        Tensor<float> tensor = arena.Allocate<float>(shape);
        tensor.CopyFrom(values);
        return tensor;
    }
}

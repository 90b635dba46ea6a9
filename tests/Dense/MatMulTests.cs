using GpuConv.Kernels;

namespace GpuConv.Tests;

public class MatMulTests
{
    [Fact]
    public void The_reference_computes_a_product_worked_out_by_hand_in_all_transpositions()
    {
        double[] a = [1, 2, 3, 4, 5, 6], at = [1, 4, 2, 5, 3, 6];                  // 2x3
        double[] b = [1, 0, 2, 0, 1, 3, 1, 1, 0, 0, 0, 1], bt = [1, 1, 0, 0, 3, 0, 2, 1, 0, 0, 1, 1]; // 3x4
        double[] c = [3, 6, 4, 5, 9, 15, 13, 11], bias = [10, 20, 30, 40];
        double[] shifted = [13, 26, 34, 45, 19, 35, 43, 51];
        Assert.Equal(c, ReferenceMatrixProduct.Multiply(2, 4, 3, a, false, b, false));
        Assert.Equal(c, ReferenceMatrixProduct.Multiply(2, 4, 3, at, true, b, false));
        Assert.Equal(c, ReferenceMatrixProduct.Multiply(2, 4, 3, a, false, bt, true));
        Assert.Equal(shifted, ReferenceMatrixProduct.Multiply(2, 4, 3, at, true, bt, true, bias));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_product_matches_the_reference_in_all_transpositions_with_and_without_bias(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        MatMul[] products = [.. Enumerable.Range(0, 4).Select(i => new MatMul(arena, (i & 1) != 0, (i & 2) != 0, 300 * 300))];
        (int Number, (int M, int N, int K) Size)[] all = [.. Sizes(device).Index()];
        Assert.True(all.Length >= 40, $"{all.Length} sizes are too few.");
        foreach ((int number, (int m, int n, int k)) in TestScope.Some(deviceName, all))
        {
            int seed = number + 1;
            using var values = new DeviceArena(device);
            var random = new Random(seed);
            double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n), bias = Values.Normal(random, n);
            foreach (MatMul product in products)
            {
                bool ta = product.TransposeA, tb = product.TransposeB, biased = (seed & 1) == 0 ^ ta;
                string name = $"{m}x{k} times {k}x{n}, A {(ta ? "transposed" : "as is")}, B {(tb ? "transposed" : "as is")}, {(biased ? "" : "no ")}bias";
                GuardedTensor c = Check.Guarded(values, new Shape(m, n));
                product.Multiply(
                    Values.On(values, ta ? new Shape(k, m) : new Shape(m, k), a), Values.On(values, tb ? new Shape(n, k) : new Shape(k, n), b),
                    biased ? Values.On(values, new Shape(n), bias) : null, c.Tensor);
                double[] reference = ReferenceMatrixProduct.Multiply(m, n, k, a, ta, b, tb, biased ? bias : null);
                Check.Close(reference, c.Read(name), Tolerance.OrderedSum(k), name);
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_row_gives_the_same_bits_alone_and_among_others(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        foreach (bool transposeB in new[] { false, true })
            foreach ((int m, int n, int k) in new[] { (5, 3, 7), (33, 65, 18), (9, 70, 33) })
            {
                var random = new Random(n);
                Tensor<float> a = Values.On(arena, new Shape(m, k), Values.Normal(random, m * k));
                Tensor<float> b = Values.On(arena, transposeB ? new Shape(n, k) : new Shape(k, n), Values.Normal(random, k * n));
                Tensor<float> bias = Values.On(arena, new Shape(n), Values.Normal(random, n));
                GuardedTensor all = Check.Guarded(arena, new Shape(m, n)), one = Check.Guarded(arena, new Shape(1, n));
                var product = new MatMul(arena, false, transposeB, 65 * 65);
                product.Multiply(a, b, bias, all.Tensor);
                foreach (int row in new[] { 0, m / 2, m - 1 })
                {
                    product.Multiply(a.Slice(row, 1), b, bias, one.Tensor);
                    Assert.Equal(all.Read("c").AsSpan(row * n, n).ToArray(), one.Read("a row of c"));
                }
            }
    }

    [Fact]
    public void On_the_cpu_the_bits_do_not_depend_on_the_number_of_threads()
    {
        if (!TestDevices.All.Any(row => row.Data == "cpu")) Assert.Skip("The CPU is not among the devices under test.");
        using var one = Device.Open("cpu", threads: 1);
        using var three = Device.Open("cpu", threads: 3);
        foreach ((int m, int n, int k) in new[] { (7, 5, 3), (64, 50, 157), (129, 257, 70), (1, 300, 40) })
        {
            float[] expected = Product(one, m, n, k);
            Assert.Equal(expected, Product(three, m, n, k));
            Assert.Equal(expected, Product(TestDevices.Get("cpu"), m, n, k));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Matrices_that_do_not_fit_are_refused_by_name(string deviceName)
    {
        using var arena = new DeviceArena(TestDevices.Get(deviceName));
        Tensor<float> On(params int[] sizes) => arena.Allocate<float>(new Shape(sizes));
        MatMul plain = new(arena, false, false, 100), transposed = new(arena, true, true, 100);
        Tensor<float> a = On(2, 3), b = On(3, 4), c = On(2, 4);
        Refused("takes matrices, not 3 and 3x4", () => plain.Multiply(On(3), b, c));
        Refused("b is 2x4, not 3x4", () => plain.Multiply(a, On(2, 4), c));
        Refused("c is 4x2, not 2x4", () => plain.Multiply(a, b, On(4, 2)));
        Refused("not 4", () => plain.Multiply(a, b, On(2), c));
        Refused("b is 3x4, not 3x2", () => transposed.Multiply(a, b, On(3, 3)));
        plain.Multiply(a, b, c);
    }

    private static void Refused(string reason, Action action) => Assert.Contains(reason, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);

    private static float[] Product(Device device, int m, int n, int k)
    {
        using var arena = new DeviceArena(device);
        var random = new Random(3);
        Tensor<float> a = Values.On(arena, new Shape(m, k), Values.Normal(random, m * k)), b = Values.On(arena, new Shape(n, k), Values.Normal(random, k * n));
        Tensor<float> c = arena.Allocate<float>(new Shape(m, n));
        new MatMul(arena, false, true, 300 * 300).Multiply(a, b, c);
        return c.ToArray();
    }

    // Sizes of one, just under, at and over the tiles' edges (8, 16, 32, 64), and drawn ones.
    private static IEnumerable<(int M, int N, int K)> Sizes(Device device)
    {
        foreach ((int, int, int) size in new[]
        {
            (1, 1, 1), (1, 5, 1), (5, 1, 1), (1, 1, 9), (2, 3, 4), (7, 1, 17), (1, 7, 17), (8, 8, 8), (16, 16, 16), (9, 15, 7),
            (31, 3, 5), (32, 4, 16), (33, 5, 15), (3, 63, 4), (4, 64, 15), (5, 65, 17), (33, 65, 17), (65, 2, 3), (2, 3, 100),
        })
            yield return size;
        var random = new Random(5);
        for (int i = 0; i < 21; i++) yield return (random.Next(1, 20), random.Next(1, 40), random.Next(1, 40));
        if (TestDevices.IsSlow(device)) yield break;
        foreach ((int, int, int) size in new[] { (64, 500, 157), (64, 10, 500), (129, 67, 300), (257, 33, 129), (100, 100, 100), (300, 299, 7), (1, 300, 299) })
            yield return size;
    }
}

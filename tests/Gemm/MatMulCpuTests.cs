using GpuConv.Kernels;

namespace GpuConv.Tests;

public class MatMulCpuTests
{
    [Theory, InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public void Products_of_any_shape_match_the_definition(bool transposeA, bool transposeB)
    {
        Device device = TestDevices.Get("cpu");
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            int m = Size(random), n = Size(random), k = seed % 4 == 0 ? random.Next(300, 1700) : Size(random);
            double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n), bias = Values.Normal(random, n);
            var expected = new double[m * n];
            for (int i = 0; i < m; i++)
                for (int j = 0; j < n; j++)
                {
                    double sum = 0;
                    for (int p = 0; p < k; p++) sum += a[transposeA ? p * m + i : i * k + p] * b[transposeB ? j * k + p : p * n + j];
                    expected[i * n + j] = sum + (seed % 2 == 0 ? bias[j] : 0);
                }
            float[] c = Product(device, m, n, k, transposeA, transposeB, a, b, seed % 2 == 0 ? bias : null);
            Check.Close(expected, c, GemmTolerance.Chunked(k), $"{m}x{k} times {k}x{n}, seed {seed}");
        }

        static int Size(Random random) => random.Next(3) switch { 0 => random.Next(1, 9), 1 => random.Next(1, 40), _ => random.Next(1, 170) };
    }

    [Theory, InlineData(false, false), InlineData(false, true), InlineData(true, false), InlineData(true, true)]
    public void The_bits_depend_neither_on_the_number_of_threads_nor_on_other_rows(bool transposeA, bool transposeB)
    {
        using Device one = Device.Open("cpu", threads: 1), two = Device.Open("cpu", threads: 2);
        foreach ((int m, int n, int k) in new[] { (64, 50, 900), (7, 200, 33), (130, 70, 500), (40, 3, 20) })
        {
            var random = new Random(m);
            double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n), bias = Values.Normal(random, n);
            float[] c = Product(one, m, n, k, transposeA, transposeB, a, b, bias);
            Assert.Equal(c, Product(two, m, n, k, transposeA, transposeB, a, b, bias));
            foreach (int row in new[] { 0, m - 1, m / 2 })
            {
                double[] single = [.. Enumerable.Range(0, k).Select(p => a[transposeA ? p * m + row : row * k + p])];
                Assert.Equal(c[(row * n)..((row + 1) * n)], Product(two, 1, n, k, transposeA, transposeB, single, b, bias));
            }
        }
    }

    private static float[] Product(Device device, int m, int n, int k, bool transposeA, bool transposeB, double[] a, double[] b, double[]? bias)
    {
        using var arena = new DeviceArena(device);
        var product = new MatMul(arena, transposeA, transposeB, Math.Max(m * n, Math.Max(m * k, k * n)));
        GuardedTensor c = Check.Guarded(arena, new Shape(m, n));
        product.Multiply(Values.On(arena, transposeA ? new Shape(k, m) : new Shape(m, k), a), Values.On(arena, transposeB ? new Shape(n, k) : new Shape(k, n), b),
            bias is null ? null : Values.On(arena, new Shape(n), bias), c.Tensor);
        return c.Read("c");
    }
}

/// <summary>How far sums in chunks of one chain each may be off.</summary>
public static class GemmTolerance
{
    /// <summary>
    /// The partial sums of n standard-normal products grow as sqrt(n), and each addition rounds by about 0.4 u of them, so that a chain ends
    /// with an error of standard deviation 0.3 n u. Seven times that, and what a few roundings of the result itself cost.
    /// </summary>
    public static Tolerance Chunked(long length) => new(2 * Tolerance.U * (length + 8), 8 * Tolerance.U);
}

using System.Runtime.Intrinsics;
using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>
/// Errors over the whole float range: one float in 509 of all bit patterns (8.4 million), each compared with float64. Measured
/// largest errors with one in 13: log 0.804, sigmoid 2.480 units in the last place; with one in 509: exp 0.979, tanh 1.244.
/// </summary>
public unsafe class SimdMathTests
{
    private const int Every = 509;

    // Wide vectors in software take about 100 times as long.
    private static readonly int Rounds = Vector128.IsHardwareAccelerated ? 20_000 : 1_000;

    private delegate void Function(float* x, float* y);

    [Fact]
    public void Exponential_is_within_its_bound_over_all_floats() => Worst(ByDevice(0), Math.Exp, bound: 1.05, "exp");

    [Fact]
    public void Logarithm_is_within_its_bound_over_all_floats() => Worst(ByDevice(1), Math.Log, bound: 0.85, "log");

    [Fact]
    public void Tangent_is_within_its_bound_over_all_floats() => Worst(ByDevice(2), Math.Tanh, bound: 1.4, "tanh");

    [Fact]
    public void Logistic_function_is_within_its_bound_over_all_floats() => Worst(ByDevice(3), x => 1 / (1 + Math.Exp(-x)), bound: 2.6, "sigmoid", smallest: 1.17549435e-38);

    [Fact]
    public void Special_values_are_as_they_should()
    {
        float inf = float.PositiveInfinity, nan = float.NaN, smallest = float.Epsilon;
        AssertValues(0, [-inf, inf, nan, 0, -0f, 1000, -1000, 88.8f, -104f, smallest], [0, inf, nan, 1, 1, inf, 0, inf, 0, 1]);
        AssertValues(1, [0, -0f, inf, -inf, -1, nan, -nan, 1, smallest, -smallest], [-inf, -inf, inf, nan, nan, nan, nan, 0, MathF.Log(smallest), nan]);
        AssertValues(2, [0, inf, -inf, nan, 50, -50, smallest], [0, 1, -1, nan, 1, -1, smallest]);
        AssertValues(3, [0, inf, -inf, nan, 200, -200], [0.5f, 1, 0, nan, 1, 0]);
    }

    [Fact]
    public void All_vector_widths_give_the_same_bits()
    {
        float* x = stackalloc float[16], a = stackalloc float[16], b = stackalloc float[16], c = stackalloc float[16], d = stackalloc float[16];
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
        {
            for (int k = 0; k < 16; k++) x[k] = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            if (round % 2 == 0)
                for (int k = 0; k < 16; k++) x[k] = (float)(200 * random.NextDouble() - 100);
            for (int function = 0; function < 4; function++)
            {
                Apply<Simd128, Vector128<float>>(function, x, a);
                Apply<Simd256, Vector256<float>>(function, x, b);
                Apply<Simd512, Vector512<float>>(function, x, c);
                Apply<SimdScalar, Float4>(function, x, d);
                for (int k = 0; k < 16; k++)
                    Assert.True(Same(a[k], b[k]) && Same(a[k], c[k]) && Same(a[k], d[k]), $"function {function} of {x[k]:g9}: {a[k]:g9} {b[k]:g9} {c[k]:g9} {d[k]:g9}");
            }
        }
    }

    [Fact]
    public void Rows_fold_to_the_same_bits_at_all_widths()
    {
        var random = new Random(2);
        float* x = stackalloc float[200], y = stackalloc float[200];
        for (int count = 1; count < 200; count++)
        {
            for (int k = 0; k < 200; k++) (x[k], y[k]) = ((float)(random.NextDouble() - 0.5), (float)random.NextDouble());
            float sum = SimdFold.Row<DotFold, Simd128, Vector128<float>>(x, y, count);
            Assert.Equal(sum, SimdFold.Row<DotFold, Simd256, Vector256<float>>(x, y, count));
            Assert.Equal(sum, SimdFold.Row<DotFold, Simd512, Vector512<float>>(x, y, count));
            Assert.Equal(sum, SimdFold.Row<DotFold, SimdScalar, Float4>(x, y, count));
            double reference = 0, max = double.NegativeInfinity;
            for (int k = 0; k < count; k++) (reference, max) = (reference + (double)x[k] * y[k], Math.Max(max, x[k]));
            Check.Close([reference], [sum], Tolerance.Sum(count), $"dot product of {count}");
            Assert.Equal((float)max, SimdFold.Row<MaxFold, Simd256, Vector256<float>>(x, x, count));
            x[random.Next(count)] = float.NaN;
            Assert.True(float.IsNaN(SimdFold.Row<MaxFold, Simd256, Vector256<float>>(x, x, count)));
        }
    }

    // NaN of any payload is the same.
    private static bool Same(float a, float b) => BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b) || (float.IsNaN(a) && float.IsNaN(b));

    private static void AssertValues(int function, float[] x, float[] expected)
    {
        float* lanes = stackalloc float[16], results = stackalloc float[16];
        new Span<float>(lanes, 16).Clear();
        x.CopyTo(new Span<float>(lanes, 16));
        ByDevice(function)(lanes, results);
        for (int i = 0; i < x.Length; i++)
            Assert.True(Same(results[i] + 0f, expected[i]) || Math.Abs(results[i] / expected[i] - 1) < 1e-6, $"function {function} of {x[i]:g9} is {results[i]:g9}, not {expected[i]:g9}");
    }

    // The error in units of the last place of the exact result, denormals' spacing included.
    private static void Worst(Function function, Func<double, double> exact, double bound, string name, double smallest = 0)
    {
        float* x = stackalloc float[16], y = stackalloc float[16];
        double worst = 0;
        float where = 0;
        for (long bits = 0; bits < 1L << 32; bits += 16 * Every)
        {
            for (int k = 0; k < 16; k++) x[k] = BitConverter.UInt32BitsToSingle((uint)Math.Min(bits + k * Every, uint.MaxValue));
            function(x, y);
            for (int k = 0; k < 16; k++)
            {
                double reference = exact(x[k]);
                if (double.IsNaN(reference) || double.IsInfinity((float)reference))
                {
                    Assert.True(Same(y[k], (float)reference), $"{name}({x[k]:g9}) is {y[k]:g9}, not {reference:g9}");
                    continue;
                }
                if (reference < smallest && smallest > 0)
                {
                    Assert.True(y[k] >= 0 && y[k] <= smallest, $"{name}({x[k]:g9}) is {y[k]:g9}, not about 0");
                    continue;
                }
                double ulp = Math.Max(Math.ScaleB(1, -149), Math.ScaleB(1, Math.ILogB(reference == 0 ? float.Epsilon : reference) - 23));
                double error = Math.Abs(y[k] - reference) / ulp;
                if (!(error <= worst)) (worst, where) = (error, x[k]);
            }
        }
        TestContext.Current.SendDiagnosticMessage($"{name}: largest error {worst:f3} ulp at {where:g9}");
        Assert.True(worst <= bound, $"{name}: {worst:f3} ulp at {where:g9}");
    }

    // At the width that kernels are run with.
    private static Function ByDevice(int function) => SimdWidth.Choose() switch
    {
        512 => (x, y) => Apply<Simd512, Vector512<float>>(function, x, y),
        256 => (x, y) => Apply<Simd256, Vector256<float>>(function, x, y),
        128 => (x, y) => Apply<Simd128, Vector128<float>>(function, x, y),
        _ => (x, y) => Apply<SimdScalar, Float4>(function, x, y),
    };

    private static void Apply<TSimd, TVector>(int function, float* x, float* y) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        for (int k = 0; k < 16; k += TSimd.Count)
        {
            TVector v = TSimd.Load(x + k);
            TSimd.Store(function switch
            {
                0 => SimdMath.Exp<TSimd, TVector>(v),
                1 => SimdMath.Log<TSimd, TVector>(v),
                2 => SimdMath.Tanh<TSimd, TVector>(v),
                _ => SimdMath.Sigmoid<TSimd, TVector>(v),
            }, y + k);
        }
    }
}

using BenchmarkDotNet.Attributes;
using GpuConv.Kernels;
using GpuConv.Tests;

namespace GpuConv.Bench;

/// <summary>A product of square matrices to be timed.</summary>
/// <param name="Size">Rows and columns.</param>
public sealed record SquareCase(int Size) : ICosted
{
    Cost ICosted.CostOf(string method) => new(2L * Size * Size * Size, 3L * sizeof(float) * Size * Size);

    /// <inheritdoc/>
    public override string ToString() => $"{Size}";
}

/// <summary>Products of square matrices, as they are and with one of them given transposed.</summary>
public class MatMulBenchmarks
{
    private readonly Device device = BenchDevice.Shared;
    private DeviceArena arena = null!;
    private MatMul plain = null!, transposedA = null!, transposedB = null!;
    private Tensor<float> a, b, c;

    [ParamsSource(nameof(Cases))]
    public SquareCase Case { get; set; } = null!;

    public static IReadOnlyList<SquareCase> Cases => [new(128), new(256), new(512), new(1024), new(2048)];

    [GlobalSetup]
    public void Verify()
    {
        arena = new DeviceArena(device);
        int n = Case.Size;
        (plain, transposedA, transposedB) = (new MatMul(arena, false, false, n * n), new MatMul(arena, true, false, n * n), new MatMul(arena, false, true, n * n));
        double[] aValues, bValues;
        (a, aValues) = Filled.Normal(arena, new Shape(n, n), 1);
        (b, bValues) = Filled.Normal(arena, new Shape(n, n), 2);
        c = Verified.Poisoned(arena, new Shape(n, n));
        Multiply();
        Check(aValues, false, bValues, false);
        MultiplyTransposedA();
        Check(aValues, true, bValues, false);
        MultiplyTransposedB();
        Check(aValues, false, bValues, true);
    }

    [GlobalCleanup]
    public void Free() => arena.Dispose();

    [Benchmark]
    public void Multiply()
    {
        plain.Multiply(a, b, c);
        device.Synchronize();
    }

    [Benchmark]
    public void MultiplyTransposedA()
    {
        transposedA.Multiply(a, b, c);
        device.Synchronize();
    }

    [Benchmark]
    public void MultiplyTransposedB()
    {
        transposedB.Multiply(a, b, c);
        device.Synchronize();
    }

    // First, middle and last row of the product: the whole reference takes a minute for 2048. Afterwards the result is poisoned again.
    private void Check(double[] aValues, bool isTransposedA, double[] bValues, bool isTransposedB)
    {
        int n = Case.Size;
        float[] actual = c.ToArray();
        foreach (int row in (int[])[0, n / 2, n - 1])
        {
            double[] rowOfA = [.. Enumerable.Range(0, n).Select(k => isTransposedA ? aValues[k * n + row] : aValues[row * n + k])];
            double[] expected = ReferenceMatrixProduct.Multiply(1, n, n, rowOfA, false, bValues, isTransposedB);
            Verified.Close(expected, actual.AsSpan(row * n, n), Tolerance.OrderedSum(n), $"product of {Case}, row {row}");
        }
        actual.AsSpan().Fill(float.NaN);
        c.CopyFrom(actual);
    }
}

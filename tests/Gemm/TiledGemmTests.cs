using GpuConv.Kernels;
using ILGPU;

namespace GpuConv.Tests;

/// <summary>The tile engine of GPUs in every tile, order and plan, also those that the test's small products would not take by themselves.</summary>
public class TiledGemmTests
{
    private const int ChunkLength = 16;

    public static TheoryData<string> Devices => [.. TestDevices.ForProducts.Where(row => row.Data != "cpu")];

    public static TheoryData<string, string> Tiles => [.. from device in Devices from tile in GemmTiles.All.ToArray() select TestDevices.Case(device.Data, tile.ToString())];

    // Around the tile's edges, with sums shorter than a step of the loop, of whole steps, and of one element more. Few, as the simulated
    // GPU has a thread of the system for each of its own.
    private static IEnumerable<(int M, int N, int K)> Sizes(GemmTile tile) =>
        [(1, 1, 1), (tile.M() - 1, tile.N() + 1, 9), (tile.M() + 4, 4, 20), (4, tile.N(), 8), (tile.M() + 1, 4, 4)];

    [Theory, MemberData(nameof(Tiles))]
    public void Every_tile_matches_the_reference_around_its_edges_in_all_orders(string deviceName, string tileName)
    {
        Device device = TestDevices.Get(deviceName);
        GemmTile tile = Enum.Parse<GemmTile>(tileName);
        int seed = 0, inQuads = 0, products = 0;
        foreach ((int m, int n, int k) in Sizes(tile))
        {
            var random = new Random(++seed);
            double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n), bias = Values.Normal(random, n);
            foreach ((bool transposeA, bool transposeB) in TestScope.OneOf(seed + (int)tile, (false, false), (false, true), (true, false), (true, true)))
            {
                products++;
                // A view that starts in the middle of 16 bytes must not be read in quads.
                bool shifted = seed % 3 == 0 && transposeA == transposeB;
                GemmPlan plan = tile.InSequence() == tile ? GemmPlan.Sequence(tile) : new(tile, true, false);
                string name = $"{m}x{k} times {k}x{n}, {tile}, A {(transposeA ? "transposed" : "as is")}, B {(transposeB ? "transposed" : "as is")}{(shifted ? ", unaligned" : "")}";
                float[] c = Product(device, m, n, k, a, transposeA, b, transposeB, seed % 2 == 0 ? bias : null, ChunkLength, plan, shifted, ref inQuads);
                double[] reference = ReferenceMatrixProduct.Multiply(m, n, k, a, transposeA, b, transposeB, seed % 2 == 0 ? bias : null);
                Check.Close(reference, c, Tolerance.Product(device, k), name);
            }
        }
        Assert.InRange(inQuads, products / 5, products * 3 / 5);
    }

    [Theory, MemberData(nameof(Devices))]
    public void The_bits_depend_neither_on_the_tile_nor_on_who_sums_the_chunks(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        const int m = 34, n = 68, k = 28;
        foreach (int chunkLength in new[] { 0, ChunkLength })
        {
            var random = new Random(m);
            double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n), bias = Values.Normal(random, n);
            float[]? expected = null;
            foreach (GemmTile tile in GemmTiles.All)
                foreach (bool inParts in chunkLength == 0 ? new[] { false } : [false, true])
                {
                    int inQuads = 0;
                    // Transposed and read element by element, or not: neither changes the order of a sum.
                    bool transpose = tile is GemmTile.Of64x64 or GemmTile.Of32x64;
                    GemmPlan plan = !inParts && chunkLength > 0 ? GemmPlan.Sequence(tile) : new(tile, inParts, false);
                    float[] c = Product(device, m, n, k, transpose ? Transposed(a, m, k) : a, transpose, transpose ? Transposed(b, k, n) : b, transpose, bias, chunkLength, plan, false, ref inQuads);
                    Assert.Equal(expected ??= c, c);
                }
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Elements_without_tiles_give_the_same_bits(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        // They are float32 always; which products they are follows from the shape of one image.
        if (device.MathMode != Kernels.MathMode.Fp32) return;
        const int m = 5, n = 36, k = 52;
        var random = new Random(3);
        double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n);
        int inQuads = 0;
        foreach (int chunkLength in new[] { 0, ChunkLength })
            Assert.Equal(
                Product(device, m, n, k, a, false, b, false, null, chunkLength, new GemmPlan(GemmTile.Of32x64, chunkLength > 0, false), false, ref inQuads),
                Product(device, m, n, k, a, false, b, false, null, chunkLength, null, false, ref inQuads));
    }

    // As both store the same numbers at the same places; each way of reading, of A and of B.
    [Fact]
    public void Tiles_copied_past_the_registers_give_the_same_bits()
    {
        if (!Devices.Any(row => row.Data == "ptx")) Assert.Skip("The interpreter is not among the devices under test.");
        using Device throughRegisters = Device.OpenSimulated();
        throughRegisters.Runner = new PtxRunner();
        var random = new Random(9);
        foreach ((int m, int n, int k) in new[] { (36, 68, 20), (33, 67, 21) })
        {
            double[] a = Values.Normal(random, m * k), b = Values.Normal(random, k * n);
            foreach (bool transpose in new[] { false, true })
            {
                int inQuads = 0;
                float[] expected = Of(throughRegisters), copied = Of(TestDevices.Get("ptx"));
                Assert.Equal(expected, copied);
                Assert.Equal(k == 20 ? 2 : 0, inQuads);

                float[] Of(Device device) => Product(device, m, n, k, a, transpose, b, transpose, null, ChunkLength, new GemmPlan(GemmTile.Of32x64, true, false), false, ref inQuads);
            }
        }
        Assert.Equal([typeof(AsyncStaging), typeof(RegisterStaging)], PtxRunner.Executed.Where(KernelCatalog.IsTiledProduct).SelectMany(KernelCatalog.ArgumentsOf).Where(t => t.IsAssignableTo(typeof(IGemmStaging))).Distinct().OrderBy(t => t.Name));
    }

    [Fact]
    public void Of_numbers_that_TF32_has_tensor_cores_compute_as_well_as_float32()
    {
        if (!Devices.Any(row => row.Data == TestDevices.Tf32)) Assert.Skip("The interpreter is not among the devices under test.");
        Device device = TestDevices.Get(TestDevices.Tf32);
        const int m = 65, n = 68, k = 77;
        var random = new Random(8);
        double[] a = Eighths(m * k), b = Eighths(k * n);
        int inQuads = 0;
        foreach (GemmTile tile in GemmTiles.All)
        {
            float[] c = Product(device, m, n, k, a, false, b, false, null, ChunkLength, new GemmPlan(tile, true, false), false, ref inQuads);
            // All sums fit float32.
            Assert.Equal(ReferenceMatrixProduct.Multiply(m, n, k, a, false, b, false), c.Select(v => (double)v));
        }
        // And of others they do not.
        double[] third = [.. a.Select(v => (double)(float)(v / 3))];
        float[] rounded = Product(device, m, n, k, third, false, b, false, null, 0, new GemmPlan(GemmTile.Of64x64, false, false), false, ref inQuads);
        Assert.Contains(ReferenceMatrixProduct.Multiply(m, n, k, third, false, b, false).Zip(rounded), e => Math.Abs(e.First - e.Second) > Tolerance.OrderedSum(k).Absolute);

        // Up to 8, in eighths: seven significant bits.
        double[] Eighths(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(-64, 65) / 8.0)];
    }

    [Fact]
    public void A_large_product_takes_large_tiles_and_a_small_one_a_group_for_each_chunk()
    {
        Assert.Equal(new GemmPlan(GemmTile.Of128x128, false, false), GemmPlan.Choose(new GemmSize(4096, 4096, 4096), 0));
        Assert.Equal(new GemmPlan(GemmTile.Of128x128, false, true), GemmPlan.Choose(new GemmSize(4096, 512, 1568, chunkLength: 128), 1 << 21));
        Assert.Equal(new GemmPlan(GemmTile.Of32x64, true, false), GemmPlan.Choose(new GemmSize(64, 500, 1568, chunkLength: 128), 1 << 21));
        Assert.Equal(new GemmPlan(GemmTile.Of32x64, false, true), GemmPlan.Choose(new GemmSize(64, 500, 1568, chunkLength: 128), 1000));
        Assert.Equal(GemmTile.Of32x64, GemmTiles.Choose(new GemmSize(32, 64 * 196, 288)));
        Assert.Equal(GemmTile.Of32x128, GemmTiles.Choose(new GemmSize(32, 4096 * 196, 288)));
        Assert.Equal(64 * 500 * 13, GemmPlan.PartialElements(new GemmSize(64, 500, 1568, chunkLength: 128), 1 << 21));
        Assert.Equal(0, GemmPlan.PartialElements(new GemmSize(64, 500, 1568, chunkLength: 128), 1 << 18));
    }

    private static double[] Transposed(double[] matrix, int rows, int columns) => [.. from j in Enumerable.Range(0, columns) from i in Enumerable.Range(0, rows) select matrix[i * columns + j]];

    private static float[] Product(Device device, int m, int n, int k, double[] a, bool transposeA, double[] b, bool transposeB, double[]? bias, int chunkLength, GemmPlan? plan, bool shifted, ref int inQuads)
    {
        using var arena = new DeviceArena(device);
        ArrayView<float> viewA = BeforeNaN(arena, a, shifted), viewB = BeforeNaN(arena, b, shifted);
        int strideA = transposeA ? m : k, strideB = transposeB ? k : n;
        var size = new GemmSize(m, n, k, chunkLength: chunkLength);
        ArrayView<float> partial = arena.Allocate<float>(new Shape((int)size.PartialElements)).View;
        GuardedTensor c = Check.Guarded(arena, new Shape(m, n));
        var result = new MatrixResult(c.Tensor.View, n, new ProductEpilogue(bias is null ? null : Values.On(arena, new Shape(n), bias)));
        bool quads = StoredMatrix.HasQuads(viewA, strideA) && StoredMatrix.HasQuads(viewB, strideB);
        Assert.True(!(quads && shifted));
        inQuads += quads ? 1 : 0;
        switch (quads, transposeA, transposeB)
        {
            case (true, false, false): Run<QuadsAlongK, QuadsAlongOuter>(); break;
            case (true, false, true): Run<QuadsAlongK, QuadsAlongK>(); break;
            case (true, true, false): Run<QuadsAlongOuter, QuadsAlongOuter>(); break;
            case (true, true, true): Run<QuadsAlongOuter, QuadsAlongK>(); break;
            case (false, false, false): Run<ThreadsAlongK, ThreadsAlongOuter>(); break;
            case (false, false, true): Run<ThreadsAlongK, ThreadsAlongK>(); break;
            case (false, true, false): Run<ThreadsAlongOuter, ThreadsAlongOuter>(); break;
            case (false, true, true): Run<ThreadsAlongOuter, ThreadsAlongK>(); break;
        }
        return c.Read("c");

        void Run<TA, TB>() where TA : struct, IGemmRead where TB : struct, IGemmRead =>
            new ChunkedGemmKernel<StoredMatrix<TA>, StoredMatrix<TB>>(device, plan is not null, plan)
                .Run(size, new StoredMatrix<TA>(viewA, strideA), new StoredMatrix<TB>(viewB, strideB), result, partial);
    }

    // What is read past the end meets zeros of the other operand, and shows only if it is no number.
    private static ArrayView<float> BeforeNaN(DeviceArena arena, double[] values, bool shifted)
    {
        int by = shifted ? 1 : 0;
        double[] all = [.. Enumerable.Repeat(double.NaN, by), .. values, .. Enumerable.Repeat(double.NaN, 2048)];
        return Values.On(arena, new Shape(all.Length), all).View.SubView(by, values.Length);
    }
}

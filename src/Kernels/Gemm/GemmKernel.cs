using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A matrix product of GPUs for operands of certain kinds, by one of two kernels: <see cref="TiledGemm"/>, or, for products so small in
/// m that most of a tile would be idle (depthwise convolution, images of one channel), one thread for each element and chunk, which
/// reads both operands from global memory: 8 bytes for 2 operations where caches hold nothing, so that threads side by side should
/// share one operand. All sum over k in ascending order, so that which one runs does not change a bit.
/// <para>
/// Where sums are cut into chunks, groups of their own sum them into working memory, and a second kernel adds them in ascending
/// order and hands the sums to the result: 4 M N (2 chunks + 1) bytes more.
/// </para>
/// Kernels are loaded when they are first needed.
/// </summary>
internal sealed class GemmKernel<TA, TB, TResult>
    where TA : struct, IGemmOperand
    where TB : struct, IGemmOperand
    where TResult : struct, IGemmResult
{
    private readonly Device device;
    private readonly GemmTile tile;
    private Action<KernelConfig, GemmSize, TA, TB, TResult>? wholeTiles;
    private Action<KernelConfig, GemmSize, TA, TB, MatrixResult>? tilesOfChunks;
    private Action<int, GemmSize, TA, TB, TResult>? wholeElements;
    private Action<int, GemmSize, TA, TB, MatrixResult>? elementsOfChunks;
    private Action<int, GemmSize, ArrayView<float>, TResult>? addChunks;

    public GemmKernel(Device device, GemmTile tile)
    {
        this.device = device;
        this.tile = tile;
    }

    /// <summary>Floats of working memory for a product.</summary>
    public static int Partial(GemmSize size) => size.Chunks > 1 ? checked(size.M * size.N * size.Slices * size.Chunks) : 0;

    /// <summary>Computes a product.</summary>
    /// <param name="size">Its sizes.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B.</param>
    /// <param name="result">Where the sums go.</param>
    /// <param name="partial">Working memory, as much as <see cref="Partial"/> says, from a multiple of 16 bytes on.</param>
    public void Run(GemmSize size, TA a, TB b, TResult result, ArrayView<float> partial = default)
    {
        if (size.Chunks == 1)
        {
            if (tile == GemmTile.None) (wholeElements ??= device.LoadIndexed<GemmSize, TA, TB, TResult>(ElementKernel))(Elements(size), size, a, b, result);
            else (wholeTiles ??= LoadTiles<TResult>())(tile.Config(size), size, a, b, result);
            return;
        }
        var sums = new MatrixResult(partial, size.N, sliceStride: size.M * size.N);
        if (tile == GemmTile.None) (elementsOfChunks ??= device.LoadIndexed<GemmSize, TA, TB, MatrixResult>(ElementKernel))(Elements(size), size, a, b, sums);
        else (tilesOfChunks ??= LoadTiles<MatrixResult>())(tile.Config(size), size, a, b, sums);
        int elements = size.Slices * size.M * size.N;
        (addChunks ??= device.LoadIndexed<GemmSize, ArrayView<float>, TResult>(AddChunksKernel))(result.InQuads != 0 ? elements / 4 : elements, size, partial, result);
    }

    private static int Elements(GemmSize size) => checked(size.M * size.N * size.Slices * size.Chunks);

    private Action<KernelConfig, GemmSize, TA, TB, T> LoadTiles<T>() where T : struct, IGemmResult => tile switch
    {
        GemmTile.Of128x128 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads16x16, RegisterTile8x8, TA, TB, T>),
        GemmTile.Of64x64 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads8x8, RegisterTile8x8, TA, TB, T>),
        GemmTile.Of32x128 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads4x16, RegisterTile8x8, TA, TB, T>),
        GemmTile.Of32x32 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads8x8, RegisterTile4x4, TA, TB, T>),
        _ => throw new InvalidOperationException($"{tile} has no kernel."),
    };

    // The index is ((chunk Slices + slice) M + m) N + n: it owns that element of C, and neighbours share the element of A.
    internal static void ElementKernel<T>(Index1D index, GemmSize size, TA a, TB b, T result) where T : struct, IGemmResult
    {
        int n = index % size.N, rest = index / size.N;
        int m = rest % size.M, part = rest / size.M;
        int slice = part % size.Slices, chunk = part / size.Slices;
        int begin = chunk * size.ChunkLength, end = IntrinsicMath.Min(size.K, begin + size.ChunkLength);
        GemmPlace outerA = a.Outer(slice, m), outerB = b.Outer(slice, n);
        float sum = 0;
        for (int k = begin; k < end; k++) sum += a.Load(outerA, a.Inner(slice, k), true) * b.Load(outerB, b.Inner(slice, k), true);
        result.Store(part, m, n, result.Column(part, n), sum);
    }

    // One index owns one element, or four neighbouring columns, and adds its chunks in ascending order.
    internal static void AddChunksKernel(Index1D index, GemmSize size, ArrayView<float> partial, TResult result)
    {
        bool quads = result.InQuads != 0;
        int element = quads ? 4 * index : index, n = element % size.N, rest = element / size.N;
        int m = rest % size.M, slice = rest / size.M;
        int chunkSize = size.Slices * size.M * size.N, column = result.Column(slice, n);
        if (quads)
        {
            Quad sums = default;
            for (int chunk = 0; chunk < size.Chunks; chunk++)
                sums = Quad.MultiplyAdd(1, Quad.Of(partial)[(chunk * chunkSize + element) / 4], sums);
            result.Store4(slice, m, n, column, sums);
        }
        else
        {
            float sum = 0;
            for (int chunk = 0; chunk < size.Chunks; chunk++) sum += partial[chunk * chunkSize + element];
            result.Store(slice, m, n, column, sum);
        }
    }
}

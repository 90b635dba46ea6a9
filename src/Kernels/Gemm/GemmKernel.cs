using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A matrix product of GPUs for operands of certain kinds, by one of two kernels: <see cref="TiledGemm"/>, or, for products so small in
/// m that most of a tile would be idle (depthwise convolution, images of one channel), one thread for each element and chunk, which
/// reads both operands from global memory: 8 bytes for 2 operations where caches hold nothing, so that threads side by side should
/// share one operand.
/// <para>
/// A sum is cut into chunks of the length that the product says; each chunk is summed over k in ascending order by one thread, and the
/// chunks are added in ascending order. Either one group goes through all of them, or, where tiles are too few to fill a GPU, each has a
/// group of its own that writes its sums to working memory, and a second kernel adds them and hands them to the result: two launches,
/// 4 M N (2 chunks + 1) bytes. Neither this nor the tile changes a bit, so both may follow the batch.
/// </para>
/// Kernels are loaded when they are first needed, for the largest product so far: a smaller one, as the last batch of an epoch, does not load others.
/// </summary>
internal sealed class GemmKernel<TA, TB, TResult>
    where TA : struct, IGemmOperand
    where TB : struct, IGemmOperand
    where TResult : struct, IGemmResult
{
    private readonly Device device;
    private readonly bool isTiled;
    private readonly GemmPlan? only;
    private GemmPlan plan;
    private long plannedElements = -1;
    private Action<KernelConfig, GemmSize, TA, TB, TResult>? tiles;
    private Action<KernelConfig, GemmSize, TA, TB, MatrixResult>? tilesOfParts;
    private Action<int, GemmSize, TA, TB, TResult>? elements;
    private Action<int, GemmSize, TA, TB, MatrixResult>? elementsOfParts;
    private Action<int, GemmSize, ArrayView<float>, TResult>? addParts;

    /// <param name="device">Where it runs.</param>
    /// <param name="isTiled">Whether in tiles, which must follow from the shape of one image.</param>
    /// <param name="only">The plan for all products; null: the best for each.</param>
    public GemmKernel(Device device, bool isTiled = true, GemmPlan? only = null)
    {
        this.device = device;
        this.isTiled = isTiled;
        this.only = only;
    }

    /// <summary>Computes a product.</summary>
    /// <param name="size">Its sizes.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B.</param>
    /// <param name="result">Where the sums go.</param>
    /// <param name="partial">Working memory for the chunks of small products, from a multiple of 16 bytes on: <see cref="GemmPlan.PartialElements"/>.</param>
    public void Run(GemmSize size, TA a, TB b, TResult result, ArrayView<float> partial = default)
    {
        Prepare(size, partial.Length);
        if (!plan.InParts)
        {
            if (isTiled) (tiles ??= LoadTiles<TResult>())(plan.Tile.Config(size), size, a, b, result);
            else (elements ??= device.LoadIndexed<GemmSize, TA, TB, TResult>(ElementKernel))(checked(size.M * size.N * size.Slices), size, a, b, result);
            return;
        }
        size = size.InParts;
        var sums = new MatrixResult(partial, size.N, sliceStride: size.M * size.N);
        if (isTiled) (tilesOfParts ??= LoadTiles<MatrixResult>())(plan.Tile.Config(size), size, a, b, sums);
        else (elementsOfParts ??= device.LoadIndexed<GemmSize, TA, TB, MatrixResult>(ElementKernel))(checked((int)size.PartialElements), size, a, b, sums);
        int count = size.Slices * size.M * size.N;
        (addParts ??= device.LoadIndexed<GemmSize, ArrayView<float>, TResult>(AddPartsKernel))(result.InQuads != 0 ? count / 4 : count, size, partial, result);
    }

    private void Prepare(GemmSize size, long room)
    {
        long count = (long)size.M * size.N * size.Slices;
        if (count <= plannedElements && plan.Serves(size, room)) return;
        GemmPlan best = only ?? (isTiled ? GemmPlan.Choose(size, room) : GemmPlan.Elements(size));
        if (best != plan) (tiles, tilesOfParts) = (null, null);
        (plan, plannedElements) = (best, count);
    }

    private Action<KernelConfig, GemmSize, TA, TB, T> LoadTiles<T>() where T : struct, IGemmResult =>
        plan.InSequence ? LoadTiles<ChunksInSequence, T>() : LoadTiles<OneChunk, T>();

    private Action<KernelConfig, GemmSize, TA, TB, T> LoadTiles<TChunks, T>() where TChunks : struct, IGemmChunks where T : struct, IGemmResult => plan.Tile switch
    {
        GemmTile.Of128x128 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads16x16, RegisterTile8x8, TChunks, TA, TB, T>),
        GemmTile.Of64x64 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads8x8, RegisterTile8x8, TChunks, TA, TB, T>),
        GemmTile.Of32x128 => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads4x16, RegisterTile8x8, TChunks, TA, TB, T>),
        _ => device.LoadGrouped<GemmSize, TA, TB, T>(TiledGemm.Kernel<Threads8x8, RegisterTile4x8, TChunks, TA, TB, T>),
    };

    // The index is ((part Slices + slice) M + m) N + n: it owns that element of C, and neighbours share the element of A.
    internal static void ElementKernel<T>(Index1D index, GemmSize size, TA a, TB b, T result) where T : struct, IGemmResult
    {
        int n = index % size.N, rest = index / size.N;
        int m = rest % size.M, plane = rest / size.M;
        int slice = plane % size.Slices, part = plane / size.Slices;
        int begin = part * size.ChunkLength, end = IntrinsicMath.Min(size.K, begin + size.ChunkLength);
        GemmPlace outerA = a.Outer(slice, m), outerB = b.Outer(slice, n);
        float sum = 0;
        for (int k = begin; k < end; k++) sum += a.Load(outerA, a.Inner(slice, k), true) * b.Load(outerB, b.Inner(slice, k), true);
        result.Store(plane, m, n, result.Column(plane, n), sum);
    }

    // One index owns one element, or four neighbouring columns, and adds its chunks in ascending order.
    internal static void AddPartsKernel(Index1D index, GemmSize size, ArrayView<float> partial, TResult result)
    {
        bool quads = result.InQuads != 0;
        int element = quads ? 4 * index : index, n = element % size.N, rest = element / size.N;
        int m = rest % size.M, slice = rest / size.M;
        int partSize = size.Slices * size.M * size.N, column = result.Column(slice, n);
        if (quads)
        {
            Quad sums = default;
            for (int part = 0; part < size.Parts; part++) sums = Quad.Add(sums, Quad.Of(partial)[(part * partSize + element) / 4]);
            result.Store4(slice, m, n, column, sums);
        }
        else
        {
            float sum = 0;
            for (int part = 0; part < size.Parts; part++) sum += partial[part * partSize + element];
            result.Store(slice, m, n, column, sum);
        }
    }
}

/// <summary>How a product is computed.</summary>
/// <param name="Tile">Elements of a group.</param>
/// <param name="InParts">Whether each chunk has groups of its own.</param>
/// <param name="InSequence">Whether a group goes through several chunks.</param>
internal readonly record struct GemmPlan(GemmTile Tile, bool InParts, bool InSequence)
{
    /// <summary>The best plan with some working memory.</summary>
    /// <param name="size">The product.</param>
    /// <param name="room">Floats of working memory.</param>
    public static GemmPlan Choose(GemmSize size, long room)
    {
        GemmTile tile = GemmTiles.Choose(size);
        if (size.Chunks == 1) return new(tile, false, false);
        return tile.Fills(size) || size.PartialElements > room ? new(tile, false, true) : new(GemmTiles.Choose(size.InParts), true, false);
    }

    /// <summary>Whether a product can be computed so.</summary>
    public bool Serves(GemmSize size, long room) => InSequence || (InParts ? size.Chunks > 1 && size.PartialElements <= room : size.Chunks == 1);

    /// <summary>The plan of products without tiles.</summary>
    public static GemmPlan Elements(GemmSize size) => new(GemmTile.None, size.Chunks > 1, false);

    /// <summary>Floats of working memory with which the product is fastest, at most so many.</summary>
    public static int PartialElements(GemmSize size, int most) => size.PartialElements <= most && Choose(size, most).InParts ? (int)size.PartialElements : 0;
}

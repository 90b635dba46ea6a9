using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// A matrix product of GPUs whose sums are cut into chunks of the length that the product says; each chunk is summed over k in ascending order by
/// one thread, and the chunks are added in ascending order. Either one group goes through all of them, or, where tiles are too few to fill a GPU, each has a
/// group of its own that writes its sums to working memory, and a second kernel adds them and hands them to the result: two launches,
/// 4 M N (2 chunks + 1) bytes. Neither this nor the tile changes a bit, so both may follow the batch.
/// Kernels are loaded when they are first needed, as those of <see cref="GemmKernel{TA, TB, TResult}"/>.
/// </summary>
/// <param name="device">Where it runs.</param>
/// <param name="isTiled">Whether in tiles, which must follow from the shape of one image.</param>
/// <param name="only">The plan for all products; null: the best for each.</param>
internal sealed class ChunkedGemmKernel<TA, TB>(Device device, bool isTiled = true, GemmPlan? only = null)
    where TA : struct, IGemmOperand
    where TB : struct, IGemmOperand
{
    private GemmPlan plan;
    private long plannedElements = -1;
    private Action<GemmSize, TA, TB, MatrixResult>? tiles;
    private IndexKernel<ElementGemm<TA, TB, MatrixResult>>? elements;
    private IndexKernel<ChunkSums>? addParts;

    /// <summary>Computes a product.</summary>
    /// <param name="size">Its sizes.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B.</param>
    /// <param name="result">Where the sums go.</param>
    /// <param name="partial">Working memory for the chunks of small products, from a multiple of 16 bytes on: <see cref="GemmPlan.PartialElements"/>.</param>
    public void Run(GemmSize size, TA a, TB b, MatrixResult result, ArrayView<float> partial = default)
    {
        Prepare(size, partial.Length);
        if (!plan.InParts)
        {
            Multiply(size, a, b, result);
            return;
        }
        size = size.InParts;
        Multiply(size, a, b, new MatrixResult(partial, size.N, sliceStride: size.M * size.N));
        int count = size.Slices * size.M * size.N;
        (addParts ??= new(device)).Launch(result.InQuads != 0 ? count / 4 : count, new(size, partial, result));
    }

    private void Multiply(GemmSize size, TA a, TB b, MatrixResult result)
    {
        if (isTiled) (tiles ??= LoadTiles())(size, a, b, result);
        else (elements ??= new(device)).Launch(checked(size.M * size.N * size.Slices * size.Parts), new(size, a, b, result));
    }

    private void Prepare(GemmSize size, long room)
    {
        long count = (long)size.M * size.N * size.Slices;
        if (count <= plannedElements && plan.Serves(size, room)) return;
        GemmPlan best = only ?? (isTiled ? GemmPlan.Choose(size, room) : GemmPlan.Elements(size));
        best = best with { Tile = best.Tile.For(device.MathMode) };
        if (best != plan) tiles = null;
        (plan, plannedElements) = (best, count);
    }

    private Action<GemmSize, TA, TB, MatrixResult> LoadTiles() => plan.InSequence
        ? TiledGemm.Load<ChunksInSequence, TA, TB, MatrixResult>(device, plan.Tile)
        : TiledGemm.Load<OneChunk, TA, TB, MatrixResult>(device, plan.Tile);
}

/// <summary>The second step of products whose chunks have groups of their own.</summary>
internal readonly struct ChunkSums(GemmSize size, ArrayView<float> partial, MatrixResult result) : IIndexKernel
{
    // One index owns one element, or four neighbouring columns, and adds its chunks in ascending order.
    public void Run(int index)
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

/// <summary>How a product whose sums are cut into chunks is computed.</summary>
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
        return tile.Fills(size) || size.PartialElements > room ? Sequence(tile) : new(GemmTiles.Choose(size.InParts), true, false);
    }

    /// <summary>The plan of groups that go through all chunks, in a tile or one like it.</summary>
    public static GemmPlan Sequence(GemmTile tile) => new(tile.InSequence(), false, true);

    /// <summary>Whether a product can be computed so.</summary>
    public bool Serves(GemmSize size, long room) => InSequence || (InParts ? size.Chunks > 1 && size.PartialElements <= room : size.Chunks == 1);

    /// <summary>The plan of products without tiles.</summary>
    public static GemmPlan Elements(GemmSize size) => new(GemmTile.None, size.Chunks > 1, false);

    /// <summary>Floats of working memory with which the product is fastest, at most so many.</summary>
    public static int PartialElements(GemmSize size, int most) => size.PartialElements <= most && Choose(size, most).InParts ? (int)size.PartialElements : 0;
}

namespace GpuConv.Kernels;

/// <summary>
/// A matrix product of GPUs for operands of certain kinds, by <see cref="TiledGemm"/> or <see cref="ElementGemm{TA, TB, TResult}"/>: each sum by one thread over k in
/// ascending order, so that the tile does not change a bit, and may follow the batch.
/// Kernels are loaded when they are first needed, for the largest product so far: a smaller one, as the last batch of an epoch, does not load others.
/// </summary>
/// <param name="device">Where it runs.</param>
/// <param name="isTiled">Whether in tiles, which must follow from the shape of one image.</param>
/// <param name="only">The tile of all products; null: the best for each.</param>
internal sealed class GemmKernel<TA, TB, TResult>(Device device, bool isTiled = true, GemmTile? only = null)
    where TA : struct, IGemmOperand
    where TB : struct, IGemmOperand
    where TResult : struct, IGemmResult
{
    private GemmTile tile;
    private long plannedElements = -1;
    private Action<GemmSize, TA, TB, TResult>? tiles;
    private IndexKernel<ElementGemm<TA, TB, TResult>>? elements;

    /// <summary>Computes a product whose sums are single chunks.</summary>
    /// <param name="size">Its sizes.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B.</param>
    /// <param name="result">Where the sums go.</param>
    public void Run(GemmSize size, TA a, TB b, TResult result)
    {
        if (size.Chunks != 1) throw new ArgumentException("The sums are cut into chunks.", nameof(size));
        long count = (long)size.M * size.N * size.Slices;
        if (!isTiled)
        {
            (elements ??= new(device)).Launch(checked((int)count), new(size, a, b, result));
            return;
        }
        if (count > plannedElements)
        {
            GemmTile best = (only ?? GemmTiles.Choose(size)).For(device.MathMode);
            if (best != tile) tiles = null;
            (tile, plannedElements) = (best, count);
        }
        (tiles ??= TiledGemm.Load<OneChunk, TA, TB, TResult>(device, tile))(size, a, b, result);
    }
}

namespace GpuConv.Kernels;

/// <summary>
/// What an operand of <see cref="TiledGemm"/> knows about one index: an offset into memory and, for the gathers of convolutions, a
/// row and a column of the image. Places of the two indices of an element are added to find it, so that a thread that keeps one of
/// them fixed divides once and not for each element.
/// </summary>
internal struct GemmPlace
{
    public int Offset;
    public int Row;
    public int Column;
}

/// <summary>
/// A matrix that the tile engine reads: stored, or gathered from images (the columns of an implicit im2col). Its outer index is that
/// of the result (m of A, n of B), its inner index is k, the one summed over. Implementations are structs of views and integers, without bool fields.
/// </summary>
internal interface IGemmOperand
{
    /// <summary>1 if elements of neighbouring inner indices lie side by side in memory, 0 if those of neighbouring outer indices do: the order in which threads read.</summary>
    int InnerAdjacent { get; }

    /// <summary>The place of an outer index, which is within bounds.</summary>
    /// <param name="slice">The number of the product, for several at once (the groups of a convolution).</param>
    /// <param name="outer">m or n.</param>
    GemmPlace Outer(int slice, int outer);

    /// <summary>The place of an inner index, which is within bounds.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="inner">k.</param>
    GemmPlace Inner(int slice, int inner);

    /// <summary>The element at two places.</summary>
    float Load(GemmPlace outer, GemmPlace inner);
}

/// <summary>Where the tile engine writes. Implementations are structs of views and integers, without bool fields.</summary>
internal interface IGemmResult
{
    /// <summary>The offset in memory of a column's first element.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="chunk">The part of the sum.</param>
    /// <param name="n">The column.</param>
    int Column(int slice, int chunk, int n);

    /// <summary>Stores an element.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="m">Its row.</param>
    /// <param name="n">Its column.</param>
    /// <param name="column">The column's offset.</param>
    /// <param name="sum">The sum over k.</param>
    void Store(int slice, int m, int n, int column, float sum);
}

/// <summary>The sizes of one launch of <see cref="TiledGemm"/>: <c>Slices</c> products of (M, K) by (K, N), their sums cut into chunks of ChunkLength.</summary>
internal struct GemmSize
{
    public int M;
    public int N;
    public int K;
    public int Slices;
    public int Chunks;
    public int ChunkLength;

    public GemmSize(int m, int n, int k, int slices = 1, int chunks = 1, int chunkLength = 0)
    {
        M = m;
        N = n;
        K = k;
        Slices = slices;
        Chunks = chunks;
        ChunkLength = chunks == 1 ? k : chunkLength;
    }
}

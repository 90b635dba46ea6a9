using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// How the threads of a group share the elements of an operand's tile, four to each: by what lies side by side in memory.
/// </summary>
internal enum GemmRead
{
    /// <summary>A thread reads four neighbours in k with one instruction, two threads read a line.</summary>
    QuadsAlongK,

    /// <summary>A thread reads four neighbouring outer indices with one instruction.</summary>
    QuadsAlongOuter,

    /// <summary>Eight threads read a line along k, an element each; the place of k is found once for all elements of a thread.</summary>
    ThreadsAlongK,

    /// <summary>A warp reads 32 neighbouring outer indices; a thread keeps its own, whose place is found once for all k.</summary>
    ThreadsAlongOuter,
}

/// <summary>
/// What an operand of <see cref="TiledGemm"/> knows about one index: an offset into memory and, for the gathers of convolutions, a
/// row and a column of the image. Places of the two indices of an element are added to find it, so that a thread that keeps one of
/// them fixed divides once and not for each element. Sixteen bytes, so that a table of them is read with one instruction.
/// </summary>
internal struct GemmPlace
{
    public int Offset;
    public int Row;
    public int Column;
    public int Unused;

    /// <summary>A table of places whose reads are joined; see <see cref="Quad.Of"/>. Tables start at the start of a buffer.</summary>
    public static ArrayView<GemmPlace> Quads(ArrayView<GemmPlace> places) => places.AsAligned(16);
}

/// <summary>An element of an operand that is stored.</summary>
internal struct GemmElement
{
    /// <summary>Its place in memory.</summary>
    public int At;

    /// <summary>False: it is zero, and its place may be anywhere.</summary>
    public bool IsInside;

    public readonly float Load(ArrayView<float> memory) => IsInside ? memory[At] : 0;
}

/// <summary>
/// A matrix that the tile engine reads: stored, or gathered from images (the columns of an implicit im2col). Its outer index is that
/// of the result (m of A, n of B), its inner index is k, the one summed over. Implementations are structs of views and integers, without bool fields.
/// </summary>
internal interface IGemmOperand
{
    /// <summary>How threads share the elements of a tile. A constant, so that the other ways vanish from the kernel.</summary>
    static abstract GemmRead Read { get; }

    /// <summary>Whether outer indices past the end, up to the next multiple of the largest tile, have a place, at which zeros are.</summary>
    static abstract bool OuterIsPadded { get; }

    /// <summary>Whether inner indices past the end, up to a tile beyond the last, have a place, at which zeros are.</summary>
    static abstract bool InnerIsPadded { get; }

    /// <summary>Whether elements are numbers as they lie in <see cref="Memory"/>, or zero: what a copy past the registers can bring. A constant.</summary>
    static abstract bool IsStored { get; }

    /// <summary>Where stored elements lie.</summary>
    ArrayView<float> Memory { get; }

    /// <summary>The place of an outer index, which is within bounds.</summary>
    /// <param name="slice">The number of the product, for several at once (the groups of a convolution).</param>
    /// <param name="outer">m or n.</param>
    /// <param name="further">Added to it: a constant, so that it can become one of an instruction that reads a table.</param>
    GemmPlace Outer(int slice, int outer, int further = 0);

    /// <summary>The place of an inner index, which is within bounds.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="inner">k.</param>
    /// <param name="further">Added to it: a constant.</param>
    GemmPlace Inner(int slice, int inner, int further = 0);

    /// <summary>Where the element at two places lies in <see cref="Memory"/>. Only for operands that are stored.</summary>
    /// <param name="outer">The place of m or n.</param>
    /// <param name="inner">The place of k.</param>
    /// <param name="inside">False: it is zero.</param>
    GemmElement Locate(GemmPlace outer, GemmPlace inner, bool inside);

    /// <summary>The element at two places.</summary>
    /// <param name="outer">The place of m or n.</param>
    /// <param name="inner">The place of k.</param>
    /// <param name="inside">False: zero is returned and nothing read.</param>
    float Load(GemmPlace outer, GemmPlace inner, bool inside);

    /// <summary>The element and its three neighbours along k or along the outer index. Only for operands that are read in quads.</summary>
    Quad Load4(GemmPlace outer, GemmPlace inner);
}

/// <summary>
/// Where the engine writes complete sums, with what is to happen to them on the way (a bias). Implementations are structs of
/// views and integers, without bool fields.
/// </summary>
internal interface IGemmResult
{
    /// <summary>
    /// 1 if four columns n to n + 3, n a multiple of 4, always lie side by side in memory, aligned to 16 bytes, and N is a multiple
    /// of 4: then <see cref="Store4"/> takes all sums; 0: <see cref="Store"/> does.
    /// </summary>
    int InQuads { get; }

    /// <summary>The offset in memory of a column's first element; found once for all rows of a thread.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="n">The column.</param>
    int Column(int slice, int n);

    /// <summary>Stores an element.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="m">Its row.</param>
    /// <param name="n">Its column.</param>
    /// <param name="column">The column's offset.</param>
    /// <param name="sum">The sum over k.</param>
    void Store(int slice, int m, int n, int column, float sum);

    /// <summary>Stores the elements of four neighbouring columns.</summary>
    /// <param name="slice">The number of the product.</param>
    /// <param name="m">Their row.</param>
    /// <param name="n">The first column.</param>
    /// <param name="column">The first column's offset.</param>
    /// <param name="sums">The sums over k.</param>
    void Store4(int slice, int m, int n, int column, Quad sums);
}

/// <summary>
/// The sizes of one launch of <see cref="TiledGemm"/>: <c>Slices</c> products of (M, K) by (K, N). Each sum is a sum of chunks of ChunkLength, in
/// ascending order: one group adds all of them (Parts is 1), or each of Parts groups sums a chunk.
/// </summary>
internal struct GemmSize
{
    public int M;
    public int N;
    public int K;
    public int Slices;
    public int ChunkLength;
    public int Parts;

    /// <summary>Sizes whose chunks are summed by one group.</summary>
    /// <param name="m">Rows of C.</param>
    /// <param name="n">Columns of C.</param>
    /// <param name="k">The length of the sums.</param>
    /// <param name="slices">The number of products.</param>
    /// <param name="chunkLength">A multiple of <see cref="OperandTile.Depth"/>, or 0 for a single chunk.</param>
    public GemmSize(int m, int n, int k, int slices = 1, int chunkLength = 0)
    {
        M = m;
        N = n;
        K = k;
        Slices = slices;
        ChunkLength = chunkLength == 0 || chunkLength > k ? k : chunkLength;
        Parts = 1;
    }

    /// <summary>The number of chunks.</summary>
    public readonly int Chunks => K == 0 ? 1 : (K + ChunkLength - 1) / ChunkLength;

    /// <summary>Elements of all chunks of all products.</summary>
    public readonly long PartialElements => (long)M * N * Slices * Chunks;

    /// <summary>The same product with a group for each chunk.</summary>
    public readonly GemmSize InParts => this with { Parts = Chunks };
}

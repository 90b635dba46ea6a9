using System.Runtime.CompilerServices;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>What a thread keeps of an operand: the places of its outer indices, found once for all k.</summary>
internal struct OperandPlaces
{
    public GemmPlace P0;
    public GemmPlace P1;
    public GemmPlace P2;
    public GemmPlace P3;
}

/// <summary>A thread's share of an operand's tile on its way from global to shared memory: up to four quads of registers.</summary>
internal struct OperandShare
{
    public Quad Q0;
    public Quad Q1;
    public Quad Q2;
    public Quad Q3;
}

/// <summary>
/// The way of an operand's tile, <see cref="Depth"/> elements of k for each of <c>width</c> outer indices, from global memory through
/// registers to shared memory. A thread's quad i has the number q = thread + i threads of width Depth / 4:
/// <code>
/// QuadsAlongK         outer = q / 2, k = 4 (q mod 2) ..    one load of 16 bytes, four stores
/// QuadsAlongOuter     k = q / (width / 4), outer = 4 (q mod (width / 4)) ..    one load and one store of 16 bytes
/// ThreadsAlongOuter   outer = q mod width, k = 4 (q / width) ..    four loads, neighbours in a warp side by side; four stores
/// ThreadsAlongK       k = thread mod 8, outer = thread / 8, threads / 8 further for the next    four loads, four stores
/// </code>
/// In shared memory a line for each k holds the tile's width, a multiple of 32, and <see cref="Padding"/> floats. So the bank of (k, outer)
/// is (4 k + outer) mod 32, and a warp's stores never meet: 16 outer and the k of two quads (16 banks apart); 8 k (4 apart) and 4 outer;
/// or 32 outer of one k. Lines stay aligned to 16 bytes. Outer indices past the edge read the last line again: their sums are not
/// stored. Past the end of k zeros are stored, in both operands.
/// <para>
/// For tensor cores the tile lies by its outer index: eight k side by side, and <see cref="Padding"/> floats after each four outer indices, so that the bank of
/// (k, outer) is (8 outer + 4 (outer / 4) + k) mod 32. A half warp's reads of 8 bytes are four outer indices, all eight k of each, in all banks; stores are of
/// 16 bytes for quads along k and for the four k of a thread along the outer index, and single ones, 8 quads of outer indices by 4 k, for quads along
/// it. The interpreter counts no conflict.
/// </para>
/// </summary>
internal static class OperandTile
{
    /// <summary>Elements along k of a tile.</summary>
    public const int Depth = 8;

    /// <summary>Floats after each line of shared memory, or after each four rows.</summary>
    public const int Padding = 4;

    /// <summary>Pairs of floats from an outer index to the next of the same four, to that 4 further, and to that 8 further, where the tile lies by its outer index.</summary>
    public const int PairsOf1 = Depth / 2, PairsOf4 = (4 * Depth + Padding) / 2, PairsOf8 = 2 * PairsOf4;

    // The widest tile.
    private const int MaxWidth = 128;

    /// <summary>Entries of a table of places that can be read past its end along both indices.</summary>
    public static int Padded(int count) => (count + Depth + MaxWidth - 1) / MaxWidth * MaxWidth;

    /// <summary>Floats of shared memory for each k where the tile lies by k.</summary>
    public static int LineOfK(int width) => width + Padding;

    /// <summary>The same where it lies by its outer index.</summary>
    public static int LineOfOuter(int width) => width / 4 * (4 * Depth + Padding) / Depth;

    private const int QuadsOfK = Depth / 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandPlaces Places<TOperand>(TOperand operand, bool byOuter, int width, int threads, int slice, int outer0, int outerCount, int thread)
        where TOperand : struct, IGemmOperand
    {
        OperandPlaces places = default;
        if (TOperand.Read == GemmRead.ThreadsAlongK) return places;
        int quads = width * QuadsOfK / threads;
        places.P0 = Place(operand, byOuter, width, slice, outer0, outerCount, thread);
        if (quads > 1) places.P1 = Place(operand, byOuter, width, slice, outer0, outerCount, thread + threads);
        if (quads > 2) places.P2 = Place(operand, byOuter, width, slice, outer0, outerCount, thread + 2 * threads);
        if (quads > 3) places.P3 = Place(operand, byOuter, width, slice, outer0, outerCount, thread + 3 * threads);
        return places;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static GemmPlace Place<TOperand>(TOperand operand, bool byOuter, int width, int slice, int outer0, int outerCount, int q)
        where TOperand : struct, IGemmOperand
    {
        if (TOperand.Read == GemmRead.QuadsAlongK) return operand.Outer(slice, IntrinsicMath.Min(outer0 + q / QuadsOfK, outerCount - 1));
        if (TOperand.Read == GemmRead.QuadsAlongOuter) return operand.Outer(slice, IntrinsicMath.Min(outer0 + QuadOfOuter(q, byOuter, width) * 4, outerCount - 4));
        return operand.Outer(slice, IntrinsicMath.Min(outer0 + (q & (width - 1)), outerCount - 1));
    }

    /// <summary>Reads a thread's share of the tile at k0 from global memory, unless it is copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandShare Fetch<TStaging, TOperand>(TOperand operand, OperandPlaces places, bool byOuter, int width, int threads, int slice, int outer0, int outerCount, int k0, int end, int thread)
        where TStaging : struct, IGemmStaging
        where TOperand : struct, IGemmOperand
    {
        OperandShare share = default;
        if (IsCopied<TStaging, TOperand>()) return share;
        int quads = width * QuadsOfK / threads;
        if (TOperand.Read == GemmRead.ThreadsAlongK)
        {
            int k = k0 + (thread & (Depth - 1)), step = threads / Depth, outer = outer0 + thread / Depth;
            bool inside = k < end;
            GemmPlace inner = TOperand.InnerIsPadded ? operand.Inner(slice, k) : operand.Inner(slice, IntrinsicMath.Min(k, end - 1));
            share.Q0 = FetchColumn(operand, slice, outer, 0, step, outerCount, inner, inside);
            if (quads > 1) share.Q1 = FetchColumn(operand, slice, outer, 4 * step, step, outerCount, inner, inside);
            if (quads > 2) share.Q2 = FetchColumn(operand, slice, outer, 8 * step, step, outerCount, inner, inside);
            if (quads > 3) share.Q3 = FetchColumn(operand, slice, outer, 12 * step, step, outerCount, inner, inside);
        }
        else
        {
            share.Q0 = FetchQuad(operand, places.P0, byOuter, width, slice, k0, end, thread);
            if (quads > 1) share.Q1 = FetchQuad(operand, places.P1, byOuter, width, slice, k0, end, thread + threads);
            if (quads > 2) share.Q2 = FetchQuad(operand, places.P2, byOuter, width, slice, k0, end, thread + 2 * threads);
            if (quads > 3) share.Q3 = FetchQuad(operand, places.P3, byOuter, width, slice, k0, end, thread + 3 * threads);
        }
        return share;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad FetchQuad<TOperand>(TOperand operand, GemmPlace place, bool byOuter, int width, int slice, int k0, int end, int q)
        where TOperand : struct, IGemmOperand
    {
        if (TOperand.Read == GemmRead.ThreadsAlongOuter)
        {
            int first = k0 + q / width * 4;
            return new Quad(
                Along(operand, place, slice, first, 0, end), Along(operand, place, slice, first, 1, end),
                Along(operand, place, slice, first, 2, end), Along(operand, place, slice, first, 3, end));
        }
        int k = k0 + (TOperand.Read == GemmRead.QuadsAlongK ? (q & (QuadsOfK - 1)) * 4 : KOfQuad(q, byOuter, width));
        Quad quad = default;
        if (k < end) quad = operand.Load4(place, operand.Inner(slice, k));
        return quad;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Along<TOperand>(TOperand operand, GemmPlace outer, int slice, int k, int further, int end)
        where TOperand : struct, IGemmOperand =>
        TOperand.InnerIsPadded ? operand.Load(outer, operand.Inner(slice, k, further), true)
            : operand.Load(outer, operand.Inner(slice, IntrinsicMath.Min(k + further, end - 1)), k + further < end);

    // A quad along the outer index: which of its line, and the line's k. By k, a warp has one line or part of it; by the outer index, eight quads of
    // each of four k, so that its stores meet in no bank.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int QuadOfOuter(int q, bool byOuter, int width) => byOuter ? (q & 7) + (q / 32 & (width / 32 - 1)) * 8 : q & (width / 4 - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int KOfQuad(int q, bool byOuter, int width) => byOuter ? (q / 8 & 3) + q / width * 4 : q / (width / 4);

    // Four outer indices, a step apart, of one k.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Quad FetchColumn<TOperand>(TOperand operand, int slice, int outer, int first, int step, int outerCount, GemmPlace inner, bool inside)
        where TOperand : struct, IGemmOperand => new(
            Across(operand, slice, outer, first, outerCount, inner, inside), Across(operand, slice, outer, first + step, outerCount, inner, inside),
            Across(operand, slice, outer, first + 2 * step, outerCount, inner, inside), Across(operand, slice, outer, first + 3 * step, outerCount, inner, inside));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Across<TOperand>(TOperand operand, int slice, int outer, int further, int outerCount, GemmPlace inner, bool inside)
        where TOperand : struct, IGemmOperand =>
        operand.Load(PlaceAcross(operand, slice, outer, further, outerCount), inner, inside);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static GemmPlace PlaceAcross<TOperand>(TOperand operand, int slice, int outer, int further, int outerCount)
        where TOperand : struct, IGemmOperand =>
        TOperand.OuterIsPadded ? operand.Outer(slice, outer, further) : operand.Outer(slice, IntrinsicMath.Min(outer + further, outerCount - 1));

    /// <summary>Writes a thread's share to shared memory, unless it is copied.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<TStaging, TOperand>(OperandShare share, ArrayView<float> tile, bool byOuter, int width, int threads, int thread)
        where TStaging : struct, IGemmStaging
        where TOperand : struct, IGemmOperand
    {
        if (IsCopied<TStaging, TOperand>()) return;
        int quads = width * QuadsOfK / threads;
        PutQuad<TOperand>(share.Q0, tile, byOuter, width, threads, thread, 0);
        if (quads > 1) PutQuad<TOperand>(share.Q1, tile, byOuter, width, threads, thread, 1);
        if (quads > 2) PutQuad<TOperand>(share.Q2, tile, byOuter, width, threads, thread, 2);
        if (quads > 3) PutQuad<TOperand>(share.Q3, tile, byOuter, width, threads, thread, 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutQuad<TOperand>(Quad quad, ArrayView<float> tile, bool byOuter, int width, int threads, int thread, int i)
        where TOperand : struct, IGemmOperand
    {
        if (byOuter)
        {
            PutByOuter<TOperand>(quad, tile, width, threads, thread, i);
            return;
        }
        int line = LineOfK(width), q = thread + i * threads;
        if (TOperand.Read == GemmRead.QuadsAlongOuter)
        {
            Quad.Of(tile)[q / (width / 4) * (line / 4) + (q & (width / 4 - 1))] = quad;
            return;
        }
        int first, step;
        if (TOperand.Read == GemmRead.ThreadsAlongK)
        {
            step = threads / Depth;
            first = (thread & (Depth - 1)) * line + thread / Depth + 4 * i * step;
        }
        else
        {
            step = line;
            first = TOperand.Read == GemmRead.QuadsAlongK ? (q & (QuadsOfK - 1)) * 4 * line + q / QuadsOfK : q / width * 4 * line + (q & (width - 1));
        }
        ArrayView<float> to = tile.SubView(first);
        to[0] = quad.X;
        to[step] = quad.Y;
        to[2 * step] = quad.Z;
        to[3 * step] = quad.W;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutByOuter<TOperand>(Quad quad, ArrayView<float> tile, int width, int threads, int thread, int i)
        where TOperand : struct, IGemmOperand
    {
        int q = thread + i * threads, outer, first, step;
        quad = new Quad(TensorCore.Round(quad.X), TensorCore.Round(quad.Y), TensorCore.Round(quad.Z), TensorCore.Round(quad.W));
        if (TOperand.Read == GemmRead.QuadsAlongK || TOperand.Read == GemmRead.ThreadsAlongOuter)
        {
            bool alongK = TOperand.Read == GemmRead.QuadsAlongK;
            outer = alongK ? q / QuadsOfK : q & (width - 1);
            Quad.Of(tile)[outer / 4 * (PairsOf4 / 2) + (outer & 3) * (PairsOf1 / 2) + (alongK ? q & (QuadsOfK - 1) : q / width)] = quad;
            return;
        }
        if (TOperand.Read == GemmRead.QuadsAlongOuter)
        {
            step = 2 * PairsOf1;
            first = QuadOfOuter(q, true, width) * (2 * PairsOf4) + KOfQuad(q, true, width);
        }
        else
        {
            outer = thread / Depth;
            step = threads / Depth / 4 * (2 * PairsOf4);
            first = outer / 4 * (2 * PairsOf4) + (outer & 3) * (2 * PairsOf1) + (thread & (Depth - 1)) + 4 * i * step;
        }
        ArrayView<float> to = tile.SubView(first);
        to[0] = quad.X;
        to[step] = quad.Y;
        to[2 * step] = quad.Z;
        to[3 * step] = quad.W;
    }

    // Four neighbours in k lie in four lines of shared memory: one load of 16 bytes and four stores are less than four copies of 4 bytes, each of which
    // touches as many lines of global memory as the load does.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsCopied<TStaging, TOperand>()
        where TStaging : struct, IGemmStaging
        where TOperand : struct, IGemmOperand => TStaging.IsAsync && TOperand.IsStored && TOperand.Read != GemmRead.QuadsAlongK;

    /// <summary>
    /// Starts to copy a thread's share of the tile at k0 from global to shared memory, if it is to be copied. The tile lies by k. What must not be read until
    /// <see cref="AsyncCopy.Wait"/> and a barrier goes to the places where <see cref="Put"/> would write it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy<TStaging, TOperand>(TOperand operand, OperandPlaces places, ArrayView<float> tile, int width, int threads, int slice, int outer0, int outerCount, int k0, int end, int thread)
        where TStaging : struct, IGemmStaging
        where TOperand : struct, IGemmOperand
    {
        if (!IsCopied<TStaging, TOperand>()) return;
        int quads = width * QuadsOfK / threads;
        if (TOperand.Read == GemmRead.ThreadsAlongK)
        {
            int k = k0 + (thread & (Depth - 1)), step = threads / Depth, outer = outer0 + thread / Depth;
            bool inside = k < end;
            GemmPlace inner = TOperand.InnerIsPadded ? operand.Inner(slice, k) : operand.Inner(slice, IntrinsicMath.Min(k, end - 1));
            ArrayView<float> to = tile.SubView((thread & (Depth - 1)) * LineOfK(width) + thread / Depth);
            CopyColumn(operand, to, slice, outer, 0, step, outerCount, inner, inside);
            if (quads > 1) CopyColumn(operand, to, slice, outer, 4 * step, step, outerCount, inner, inside);
            if (quads > 2) CopyColumn(operand, to, slice, outer, 8 * step, step, outerCount, inner, inside);
            if (quads > 3) CopyColumn(operand, to, slice, outer, 12 * step, step, outerCount, inner, inside);
        }
        else
        {
            CopyQuad(operand, places.P0, tile, width, slice, k0, end, thread);
            if (quads > 1) CopyQuad(operand, places.P1, tile, width, slice, k0, end, thread + threads);
            if (quads > 2) CopyQuad(operand, places.P2, tile, width, slice, k0, end, thread + 2 * threads);
            if (quads > 3) CopyQuad(operand, places.P3, tile, width, slice, k0, end, thread + 3 * threads);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyQuad<TOperand>(TOperand operand, GemmPlace place, ArrayView<float> tile, int width, int slice, int k0, int end, int q)
        where TOperand : struct, IGemmOperand
    {
        int line = LineOfK(width);
        if (TOperand.Read == GemmRead.QuadsAlongOuter)
        {
            int row = KOfQuad(q, false, width), k = k0 + row;
            GemmElement first = operand.Locate(place, operand.Inner(slice, IntrinsicMath.Min(k, end - 1)), k < end);
            AsyncCopy.Quad(operand.Memory, first, tile.SubView(row * line + QuadOfOuter(q, false, width) * 4));
            return;
        }
        int fourth = q / width * 4;
        ArrayView<float> to = tile.SubView(fourth * line + (q & (width - 1)));
        CopyAlong(operand, place, to, slice, k0 + fourth, 0, line, end);
        CopyAlong(operand, place, to, slice, k0 + fourth, 1, line, end);
        CopyAlong(operand, place, to, slice, k0 + fourth, 2, line, end);
        CopyAlong(operand, place, to, slice, k0 + fourth, 3, line, end);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyAlong<TOperand>(TOperand operand, GemmPlace outer, ArrayView<float> to, int slice, int k, int further, int line, int end)
        where TOperand : struct, IGemmOperand =>
        AsyncCopy.Element(operand.Memory, TOperand.InnerIsPadded ? operand.Locate(outer, operand.Inner(slice, k, further), true)
            : operand.Locate(outer, operand.Inner(slice, IntrinsicMath.Min(k + further, end - 1)), k + further < end), to.SubView(further * line));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyColumn<TOperand>(TOperand operand, ArrayView<float> to, int slice, int outer, int first, int step, int outerCount, GemmPlace inner, bool inside)
        where TOperand : struct, IGemmOperand
    {
        CopyAcross(operand, to, slice, outer, first, outerCount, inner, inside);
        CopyAcross(operand, to, slice, outer, first + step, outerCount, inner, inside);
        CopyAcross(operand, to, slice, outer, first + 2 * step, outerCount, inner, inside);
        CopyAcross(operand, to, slice, outer, first + 3 * step, outerCount, inner, inside);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyAcross<TOperand>(TOperand operand, ArrayView<float> to, int slice, int outer, int further, int outerCount, GemmPlace inner, bool inside)
        where TOperand : struct, IGemmOperand =>
        AsyncCopy.Element(operand.Memory, operand.Locate(PlaceAcross(operand, slice, outer, further, outerCount), inner, inside), to.SubView(further));
}

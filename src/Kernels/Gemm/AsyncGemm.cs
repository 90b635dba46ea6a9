using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Kernels;

/// <summary>How tiles come to shared memory.</summary>
internal interface IStaging
{
    static abstract int Stages { get; }

    static abstract bool Async { get; }

    // Operands whose quads lie along k lie by their outer index in shared memory.
    static abstract bool Rows { get; }

    static abstract int Line(int width);
}

internal struct Copies2 : IStaging { public static int Stages => 2; public static bool Async => true; public static bool Rows => false; public static int Line(int width) => OperandTile.LineOfK(width); }
internal struct Copies3 : IStaging { public static int Stages => 3; public static bool Async => true; public static bool Rows => false; public static int Line(int width) => OperandTile.LineOfK(width); }
internal struct Copies4 : IStaging { public static int Stages => 4; public static bool Async => true; public static bool Rows => false; public static int Line(int width) => OperandTile.LineOfK(width); }
internal struct RowCopies2 : IStaging { public static int Stages => 2; public static bool Async => true; public static bool Rows => true; public static int Line(int width) => OperandTile.LineOfOuter(width); }
internal struct RowCopies3 : IStaging { public static int Stages => 3; public static bool Async => true; public static bool Rows => true; public static int Line(int width) => OperandTile.LineOfOuter(width); }
internal struct RowCopies4 : IStaging { public static int Stages => 4; public static bool Async => true; public static bool Rows => true; public static int Line(int width) => OperandTile.LineOfOuter(width); }
internal struct Registers2 : IStaging { public static int Stages => 2; public static bool Async => false; public static bool Rows => false; public static int Line(int width) => OperandTile.LineOfK(width); }
internal struct RowRegisters2 : IStaging { public static int Stages => 2; public static bool Async => false; public static bool Rows => true; public static int Line(int width) => OperandTile.LineOfOuter(width); }

internal static class AsyncCopy
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Of4(ArrayView<float> to, ArrayView<float> from, int at, bool inside)
    {
        int bytes = inside ? 4 : 0;
        fixed (float* d = &to[0])
        fixed (float* s = &from[at])
            CudaAsm.Emit("cp.async.ca.shared.global [%0], [%1], 4, %2;", (nint)d, (nint)s, bytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Of16(ArrayView<float> to, ArrayView<float> from, int at, bool inside)
    {
        int bytes = inside ? 16 : 0;
        fixed (float* d = &to[0])
        fixed (float* s = &from[at])
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", (nint)d, (nint)s, bytes);
    }
}

internal static class AsyncTile
{
    private const int Depth = OperandTile.Depth, QuadsOfK = Depth / 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAsync<TStaging, TOperand>() where TStaging : struct, IStaging where TOperand : struct, IGemmOperand => TStaging.Async && TOperand.AreStored;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsByOuter<TStaging, TOperand>() where TStaging : struct, IStaging where TOperand : struct, IGemmOperand => TStaging.Rows && TOperand.Read == GemmRead.QuadsAlongK;

    // Of the wider of the two layouts.
    public static int Line(int width) => OperandTile.LineOfK(width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy<TStaging, TOperand>(TOperand operand, OperandPlaces places, ArrayView<float> tile, int width, int threads, int slice, int outer0, int outerCount, int k0, int end, int thread)
        where TStaging : struct, IStaging
        where TOperand : struct, IGemmOperand
    {
        if (!IsAsync<TStaging, TOperand>()) return;
        int quads = width * QuadsOfK / threads;
        if (TOperand.Read == GemmRead.ThreadsAlongK)
        {
            int k = k0 + (thread & (Depth - 1)), step = threads / Depth, outer = outer0 + thread / Depth, line = OperandTile.LineOfK(width);
            bool inside = k < end;
            GemmPlace inner = TOperand.InnerIsPadded ? operand.Inner(slice, k) : operand.Inner(slice, IntrinsicMath.Min(k, end - 1));
            ArrayView<float> to = tile.SubView((thread & (Depth - 1)) * line + thread / Depth);
            Column(operand, to, slice, outer, 0, step, outerCount, inner, inside);
            if (quads > 1) Column(operand, to, slice, outer, 4, step, outerCount, inner, inside);
            if (quads > 2) Column(operand, to, slice, outer, 8, step, outerCount, inner, inside);
            if (quads > 3) Column(operand, to, slice, outer, 12, step, outerCount, inner, inside);
        }
        else
        {
            One<TStaging, TOperand>(operand, places.P0, tile, width, slice, k0, end, thread);
            if (quads > 1) One<TStaging, TOperand>(operand, places.P1, tile, width, slice, k0, end, thread + threads);
            if (quads > 2) One<TStaging, TOperand>(operand, places.P2, tile, width, slice, k0, end, thread + 2 * threads);
            if (quads > 3) One<TStaging, TOperand>(operand, places.P3, tile, width, slice, k0, end, thread + 3 * threads);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Column<TOperand>(TOperand operand, ArrayView<float> to, int slice, int outer, int first, int step, int outerCount, GemmPlace inner, bool inside)
        where TOperand : struct, IGemmOperand
    {
        Across(operand, to, slice, outer, first * step, outerCount, inner, inside);
        Across(operand, to, slice, outer, (first + 1) * step, outerCount, inner, inside);
        Across(operand, to, slice, outer, (first + 2) * step, outerCount, inner, inside);
        Across(operand, to, slice, outer, (first + 3) * step, outerCount, inner, inside);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Across<TOperand>(TOperand operand, ArrayView<float> to, int slice, int outer, int further, int outerCount, GemmPlace inner, bool inside)
        where TOperand : struct, IGemmOperand
    {
        GemmElement element = operand.Locate(TOperand.OuterIsPadded ? operand.Outer(slice, outer, further) : operand.Outer(slice, IntrinsicMath.Min(outer + further, outerCount - 1)), inner, inside);
        AsyncCopy.Of4(to.SubView(further), operand.Memory, element.At, element.Inside);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void One<TStaging, TOperand>(TOperand operand, GemmPlace place, ArrayView<float> tile, int width, int slice, int k0, int end, int q)
        where TStaging : struct, IStaging
        where TOperand : struct, IGemmOperand
    {
        int line = OperandTile.LineOfK(width);
        if (TOperand.Read == GemmRead.ThreadsAlongOuter)
        {
            int first = k0 + q / width * 4;
            ArrayView<float> to = tile.SubView(q / width * 4 * line + (q & (width - 1)));
            Along(operand, to, place, slice, first, 0, line, end);
            Along(operand, to, place, slice, first, 1, line, end);
            Along(operand, to, place, slice, first, 2, line, end);
            Along(operand, to, place, slice, first, 3, line, end);
        }
        else if (TOperand.Read == GemmRead.QuadsAlongOuter)
        {
            int k = k0 + q / (width / 4);
            GemmElement element = operand.Locate(place, operand.Inner(slice, IntrinsicMath.Min(k, end - 1)), k < end);
            AsyncCopy.Of16(tile.SubView(q / (width / 4) * line + (q & (width / 4 - 1)) * 4), operand.Memory, element.At, element.Inside);
        }
        else
        {
            int k = k0 + (q & (QuadsOfK - 1)) * 4, outer = q / QuadsOfK;
            GemmElement element = operand.Locate(place, operand.Inner(slice, IntrinsicMath.Min(k, end - 4)), k < end);
            if (TStaging.Rows)
            {
                AsyncCopy.Of16(tile.SubView(outer / 4 * (2 * OperandTile.PairsOf4) + (outer & 3) * Depth + (q & (QuadsOfK - 1)) * 4), operand.Memory, element.At, element.Inside);
            }
            else
            {
                ArrayView<float> to = tile.SubView((q & (QuadsOfK - 1)) * 4 * line + outer);
                AsyncCopy.Of4(to, operand.Memory, element.At, element.Inside);
                AsyncCopy.Of4(to.SubView(line), operand.Memory, element.At + 1, element.Inside);
                AsyncCopy.Of4(to.SubView(2 * line), operand.Memory, element.At + 2, element.Inside);
                AsyncCopy.Of4(to.SubView(3 * line), operand.Memory, element.At + 3, element.Inside);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Along<TOperand>(TOperand operand, ArrayView<float> to, GemmPlace outer, int slice, int k, int further, int line, int end)
        where TOperand : struct, IGemmOperand
    {
        GemmElement element = TOperand.InnerIsPadded ? operand.Locate(outer, operand.Inner(slice, k, further), true)
            : operand.Locate(outer, operand.Inner(slice, IntrinsicMath.Min(k + further, end - 1)), k + further < end);
        AsyncCopy.Of4(to.SubView(further * line), operand.Memory, element.At, element.Inside);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OperandShare Fetch<TStaging, TOperand>(TOperand operand, OperandPlaces places, int width, int threads, int slice, int outer0, int outerCount, int k0, int end, int thread)
        where TStaging : struct, IStaging
        where TOperand : struct, IGemmOperand
    {
        if (IsAsync<TStaging, TOperand>()) return default;
        return OperandTile.Fetch(operand, places, false, width, threads, slice, outer0, outerCount, k0, end, thread);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Put<TStaging, TOperand>(OperandShare share, ArrayView<float> tile, int width, int threads, int thread)
        where TStaging : struct, IStaging
        where TOperand : struct, IGemmOperand
    {
        if (IsAsync<TStaging, TOperand>()) return;
        if (IsByOuter<TStaging, TOperand>())
        {
            int quads = width * QuadsOfK / threads;
            PutRow(share.Q0, tile, thread);
            if (quads > 1) PutRow(share.Q1, tile, thread + threads);
            if (quads > 2) PutRow(share.Q2, tile, thread + 2 * threads);
            if (quads > 3) PutRow(share.Q3, tile, thread + 3 * threads);
            return;
        }
        OperandTile.Put<TOperand>(share, tile, false, width, threads, thread);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PutRow(Quad quad, ArrayView<float> tile, int q)
    {
        int outer = q / QuadsOfK;
        Quad.Of(tile)[outer / 4 * (OperandTile.PairsOf4 / 2) + (outer & 3) * 2 + (q & (QuadsOfK - 1))] = quad;
    }
}

/// <summary>Four lines of an operand.</summary>
internal struct FourLines
{
    public Quad L0;
    public Quad L1;
    public Quad L2;
    public Quad L3;

    // In quads of the tile; first: the thread's quad of outer indices.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static FourLines Read(ArrayView<Quad> tile, bool byOuter, int first, int k, int line)
    {
        FourLines lines;
        if (!byOuter)
        {
            ArrayView<Quad> from = tile.SubView(first + k * line);
            lines.L0 = from[0];
            lines.L1 = from[line];
            lines.L2 = from[2 * line];
            lines.L3 = from[3 * line];
            return lines;
        }
        ArrayView<Quad> rows = tile.SubView(first * (OperandTile.PairsOf4 / 2) + k / 4);
        Quad r0 = rows[0], r1 = rows[2], r2 = rows[4], r3 = rows[6];
        lines.L0 = new Quad(r0.X, r1.X, r2.X, r3.X);
        lines.L1 = new Quad(r0.Y, r1.Y, r2.Y, r3.Y);
        lines.L2 = new Quad(r0.Z, r1.Z, r2.Z, r3.Z);
        lines.L3 = new Quad(r0.W, r1.W, r2.W, r3.W);
        return lines;
    }
}

internal static class AsyncGemm
{
    public static void Kernel<TThreads, TRegisters, TStaging, TChunks, TA, TB, TResult>(GemmSize size, TA a, TB b, TResult result)
        where TThreads : struct, IGemmThreads
        where TRegisters : struct, ILineTile<TRegisters>
        where TStaging : struct, IStaging
        where TChunks : struct, IGemmChunks
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
        where TResult : struct, IGemmResult
    {
        const int depth = OperandTile.Depth;
        int threads = TThreads.M * TThreads.N, tileM = TThreads.M * TRegisters.Rows, tileN = TThreads.N * TRegisters.Columns;
        int lineA = TStaging.Line(tileM);
        int lineB = TStaging.Line(tileN);
        ArrayView<float> sharedA = SharedMemory.Allocate<float>(TStaging.Stages * depth * TStaging.Line(TThreads.M * TRegisters.Rows));
        ArrayView<float> sharedB = SharedMemory.Allocate<float>(TStaging.Stages * depth * TStaging.Line(TThreads.N * TRegisters.Columns));
        int tilesM = (size.M + tileM - 1) / tileM, tilesN = (size.N + tileN - 1) / tileN;
        int group = Grid.IdxX;
        int m0 = group % tilesM * tileM;
        group /= tilesM;
        int n0 = group % tilesN * tileN, plane = group / tilesN;
        int slice = plane % size.Slices, part = plane / size.Slices;
        int k = part * size.ChunkLength, end = TChunks.InSequence ? size.K : IntrinsicMath.Min(size.K, k + size.ChunkLength);

        int thread = Group.IdxX;
        TilePart own = TRegisters.Part(thread, tileM, tileN, TThreads.N);
        OperandPlaces placesA = OperandTile.Places(a, false, tileM, threads, slice, m0, size.M, thread);
        OperandPlaces placesB = OperandTile.Places(b, false, tileN, threads, slice, n0, size.N, thread);
        AsyncTile.Copy<TStaging, TA>(a, placesA, sharedA, tileM, threads, slice, m0, size.M, k, end, thread);
        AsyncTile.Copy<TStaging, TB>(b, placesB, sharedB, tileN, threads, slice, n0, size.N, k, end, thread);
        if (TStaging.Async) CudaAsm.Emit("cp.async.commit_group;");
        if (TStaging.Stages > 2)
        {
            AsyncTile.Copy<TStaging, TA>(a, placesA, sharedA.SubView(depth * lineA), tileM, threads, slice, m0, size.M, k + depth, end, thread);
            AsyncTile.Copy<TStaging, TB>(b, placesB, sharedB.SubView(depth * lineB), tileN, threads, slice, n0, size.N, k + depth, end, thread);
            CudaAsm.Emit("cp.async.commit_group;");
        }
        if (TStaging.Stages > 3)
        {
            AsyncTile.Copy<TStaging, TA>(a, placesA, sharedA.SubView(2 * depth * lineA), tileM, threads, slice, m0, size.M, k + 2 * depth, end, thread);
            AsyncTile.Copy<TStaging, TB>(b, placesB, sharedB.SubView(2 * depth * lineB), tileN, threads, slice, n0, size.N, k + 2 * depth, end, thread);
            CudaAsm.Emit("cp.async.commit_group;");
        }
        AsyncTile.Put<TStaging, TA>(AsyncTile.Fetch<TStaging, TA>(a, placesA, tileM, threads, slice, m0, size.M, k, end, thread), sharedA, tileM, threads, thread);
        AsyncTile.Put<TStaging, TB>(AsyncTile.Fetch<TStaging, TB>(b, placesB, tileN, threads, slice, n0, size.N, k, end, thread), sharedB, tileN, threads, thread);
        Wait<TStaging>();
        Group.Barrier();

        int current = 0, ahead = TStaging.Stages - 1;
        TRegisters total = default;
        do
        {
            TRegisters sums = default;
            int stop = TChunks.InSequence ? IntrinsicMath.Min(end, k + size.ChunkLength) : end;
            while (k < stop)
            {
                int far = k + (TStaging.Stages - 1) * depth;
                k += depth;
                AsyncTile.Copy<TStaging, TA>(a, placesA, sharedA.SubView(ahead * depth * lineA), tileM, threads, slice, m0, size.M, far, end, thread);
                AsyncTile.Copy<TStaging, TB>(b, placesB, sharedB.SubView(ahead * depth * lineB), tileN, threads, slice, n0, size.N, far, end, thread);
                if (TStaging.Async) CudaAsm.Emit("cp.async.commit_group;");
                OperandShare nextA = AsyncTile.Fetch<TStaging, TA>(a, placesA, tileM, threads, slice, m0, size.M, k, end, thread);
                OperandShare nextB = AsyncTile.Fetch<TStaging, TB>(b, placesB, tileN, threads, slice, n0, size.N, k, end, thread);

                sums = Multiply<TRegisters, TStaging, TA, TB>(sums, sharedA.SubView(current * depth * lineA), sharedB.SubView(current * depth * lineB), own, tileM, tileN);

                ahead = current;
                current = TStaging.Stages == 2 ? 1 - current : current == TStaging.Stages - 1 ? 0 : current + 1;
                AsyncTile.Put<TStaging, TA>(nextA, sharedA.SubView(current * depth * lineA), tileM, threads, thread);
                AsyncTile.Put<TStaging, TB>(nextB, sharedB.SubView(current * depth * lineB), tileN, threads, thread);
                Wait<TStaging>();
                Group.Barrier();
            }
            total = TChunks.InSequence ? TRegisters.Add(total, sums) : sums;
        }
        while (TChunks.InSequence && k < end);

        TRegisters.Store(total, new TilePlace { Slice = plane, M = m0 + own.M, N = n0 + own.N }, tileM, tileN, size, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Wait<TStaging>() where TStaging : struct, IStaging
    {
        if (!TStaging.Async) return;
        if (TStaging.Stages == 2) CudaAsm.Emit("cp.async.wait_group 0;");
        if (TStaging.Stages == 3) CudaAsm.Emit("cp.async.wait_group 1;");
        if (TStaging.Stages == 4) CudaAsm.Emit("cp.async.wait_group 2;");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRegisters Multiply<TRegisters, TStaging, TA, TB>(TRegisters sums, ArrayView<float> a, ArrayView<float> b, TilePart own, int tileM, int tileN)
        where TRegisters : struct, ILineTile<TRegisters>
        where TStaging : struct, IStaging
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
    {
        if (!AsyncTile.IsByOuter<TStaging, TA>() && !AsyncTile.IsByOuter<TStaging, TB>()) return TRegisters.MultiplyAdd(sums, a, b, 0, own, tileM, tileN);
        sums = Half<TRegisters, TStaging, TA, TB>(sums, Quad.Of(a), Quad.Of(b), own, tileM, tileN, 0);
        return Half<TRegisters, TStaging, TA, TB>(sums, Quad.Of(a), Quad.Of(b), own, tileM, tileN, 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TRegisters Half<TRegisters, TStaging, TA, TB>(TRegisters sums, ArrayView<Quad> a, ArrayView<Quad> b, TilePart own, int tileM, int tileN, int k)
        where TRegisters : struct, ILineTile<TRegisters>
        where TStaging : struct, IStaging
        where TA : struct, IGemmOperand
        where TB : struct, IGemmOperand
    {
        bool byA = AsyncTile.IsByOuter<TStaging, TA>(), byB = AsyncTile.IsByOuter<TStaging, TB>();
        int lineA = OperandTile.LineOfK(tileM) / 4, lineB = OperandTile.LineOfK(tileN) / 4;
        FourLines rows = FourLines.Read(a, byA, own.A, k, lineA), more = default;
        if (TRegisters.Rows > 4) more = FourLines.Read(a, byA, own.A + tileM / 8, k, lineA);
        FourLines left = FourLines.Read(b, byB, own.B, k, lineB), right = FourLines.Read(b, byB, own.B + tileN / 8, k, lineB);
        sums = TRegisters.MultiplyQuads(sums, rows.L0, more.L0, new Float8(left.L0, right.L0));
        sums = TRegisters.MultiplyQuads(sums, rows.L1, more.L1, new Float8(left.L1, right.L1));
        sums = TRegisters.MultiplyQuads(sums, rows.L2, more.L2, new Float8(left.L2, right.L2));
        return TRegisters.MultiplyQuads(sums, rows.L3, more.L3, new Float8(left.L3, right.L3));
    }
}

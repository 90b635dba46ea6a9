namespace GpuConv.Tests;

/// <summary>
/// The tensor cores' product of a warp, D = A B + C with A of 16 x 8, B of 8 x 8 and sums in float32, of TF32 numbers: float32 without the last
/// 13 bits. A lane holds parts of all four (PTX ISA 8.0, 9.7.13.4.7, Matrix fragments for mma.m16n8k8; the same as CUTLASS's
/// <c>SM80_16x8x8_F32TF32TF32F32_TN</c>). With group = lane / 4 and member = lane mod 4:
/// <code>
/// A   a0 (group, member)    a1 (group + 8, member)   a2 (group, member + 4)   a3 (group + 8, member + 4)    row, column
/// B   b0 (member, group)    b1 (member + 4, group)
/// C   c0 (group, 2 member)  c1 (group, 2 member + 1)   c2 (group + 8, 2 member)   c3 (group + 8, 2 member + 1)
/// </code>
/// A GPU adds the products and C in some order and cuts off more than it must; here they are added in float64 and rounded once.
/// </summary>
internal static unsafe class PtxMatrixProduct
{
    private const int M = 16, N = 8, K = 8;

    // What TF32 has no room for.
    private const uint Beyond = (1 << 13) - 1, Infinity = 0x7f800000;

    public static PtxInstruction? Decode(PtxStatement s, PtxRegisterFile registers)
    {
        if (s.Name != "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32" || s.Operands.Count != 4 || s.Guard is not null) return null;
        PtxRegister[]?[] operands = [.. s.Operands.Select((o, i) => Fragment(o, i == 2 ? 2 : 4, isDestination: i == 0))];
        if (operands.Any(o => o is null)) return null;
        return new PtxInstruction(s, PtxStep.MatrixProduct)
        {
            Guard = registers.None,
            Result = registers.None,
            First = registers.None,
            Second = registers.None,
            Third = registers.None,
            Results = operands[0]!,
            Elements = [.. operands[1]!, .. operands[2]!, .. operands[3]!],
        };

        PtxRegister[]? Fragment(string text, int count, bool isDestination)
        {
            string[] names = text.StartsWith('{') && text.EndsWith('}') ? text[1..^1].Split(',', StringSplitOptions.TrimEntries) : [];
            PtxRegister?[] found = [.. names.Select(n => registers.Find(n, 'W', isDestination))];
            return found.Length == count && found.All(r => r is not null) ? [.. found.Select(r => r!.Value)] : null;
        }
    }

    /// <summary>cvt.rna: to the nearest TF32 number, of two equally near ones to that away from zero, as the magnitude's bits count on.</summary>
    public static uint Round(uint bits) => ((bits & int.MaxValue) < Infinity ? bits + (Beyond + 1) / 2 : bits) & ~Beyond;

    /// <summary>Computes it for all lanes; returns one whose factor is no TF32 number, and -1 if there is none.</summary>
    public static int Multiply(byte* registers, PtxInstruction i)
    {
        double* a = stackalloc double[M * K], b = stackalloc double[K * N], c = stackalloc double[M * N];
        for (int lane = 0; lane < PtxLanes.Count; lane++)
        {
            int group = lane / 4, member = lane % 4;
            for (int e = 0; e < 6; e++)
                if ((((uint*)(registers + i.Elements[e].Offset))[lane] & Beyond) != 0) return lane;
            for (int e = 0; e < 4; e++) a[(group + e % 2 * 8) * K + member + e / 2 * 4] = Value(e, lane);
            for (int e = 0; e < 2; e++) b[(member + e * 4) * N + group] = Value(4 + e, lane);
            for (int e = 0; e < 4; e++) c[(group + e / 2 * 8) * N + 2 * member + e % 2] = Value(6 + e, lane);
        }
        for (int m = 0; m < M; m++)
            for (int n = 0; n < N; n++)
                for (int k = 0; k < K; k++) c[m * N + n] += a[m * K + k] * b[k * N + n];
        for (int lane = 0; lane < PtxLanes.Count; lane++)
            for (int e = 0; e < 4; e++)
                ((float*)(registers + i.Results[e].Offset))[lane] = (float)c[(lane / 4 + e / 2 * 8) * N + lane % 4 * 2 + e % 2];
        return -1;

        double Value(int element, int lane) => ((float*)(registers + i.Elements[element].Offset))[lane];
    }
}

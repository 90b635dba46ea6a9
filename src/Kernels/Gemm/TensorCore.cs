using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Kernels;

/// <summary>
/// The tensor cores of CUDA GPUs of compute capability 8.0 or later, by inline PTX: products of TF32 numbers, which have float32's range and
/// eleven significant bits, summed in float32. ILGPU passes the operands through local memory; the assembler keeps them in registers
/// (bench/gpu-static.md: no kernel has a stack).
/// Source: PTX ISA 8.0, 9.7.13 (mma) and 9.7.8.21 (cvt).
/// </summary>
internal static class TensorCore
{
    /// <summary>The nearest TF32 number, of two equally near ones that away from zero. What a tensor core does with others is not defined.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Round(float value)
    {
        CudaAsm.Emit("cvt.rna.tf32.f32 %0, %1;", out uint rounded, value);
        return Interop.IntAsFloat(rounded);
    }

    /// <summary>
    /// A warp's product of 16 x 8 by 8 x 8 elements, added to c. With g = lane / 4 and t = lane mod 4 a lane holds, of A, two neighbours in k of row g
    /// and of row g + 8; of B, those of column g; of c, columns 2 t and 2 t + 1 of row g (X, Y) and of row g + 8 (Z, W). The hardware calls the first
    /// neighbour k = t and the second t + 4: any order will do in which A and B agree.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad MultiplyAdd(Quad c, Pair upper, Pair lower, Pair column)
    {
        Ref<float> c0 = c.X, c1 = c.Y, c2 = c.Z, c3 = c.W;
        Input<uint> a0 = Interop.FloatAsInt(upper.X), a1 = Interop.FloatAsInt(lower.X), a2 = Interop.FloatAsInt(upper.Y), a3 = Interop.FloatAsInt(lower.Y);
        Input<uint> b0 = Interop.FloatAsInt(column.X), b1 = Interop.FloatAsInt(column.Y);
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref c0, ref c1, ref c2, ref c3, ref a0, ref a1, ref a2, ref a3, ref b0, ref b1);
        return new Quad(c0.Value, c1.Value, c2.Value, c3.Value);
    }
}

/// <summary>Two floats side by side: what a thread reads with one instruction of 8 bytes.</summary>
internal struct Pair
{
    public float X;
    public float Y;

    /// <summary>Memory as pairs, which must begin at a multiple of 8 bytes: see <see cref="Quad.Of"/>.</summary>
    public static ArrayView<Pair> Of(ArrayView<float> values) => values.AsAligned(8).Cast<Pair>();
}

using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Kernels;

/// <summary>The way of operands' tiles to shared memory. A constant of a type, so that the other way vanishes from the kernel.</summary>
internal interface IGemmStaging
{
    /// <summary>Whether what is stored as it is needed is copied past the registers: <see cref="AsyncCopy"/>.</summary>
    static abstract bool IsAsync { get; }
}

/// <summary>Everything passes through registers.</summary>
internal struct RegisterStaging : IGemmStaging
{
    public static bool IsAsync => false;
}

/// <summary>What can be copied is.</summary>
internal struct AsyncStaging : IGemmStaging
{
    public static bool IsAsync => true;
}

/// <summary>
/// Copies from global to shared memory past the registers, of CUDA GPUs of compute capability 8.0 or later, by inline PTX. They are on their way until
/// the thread waits; then a barrier shows them to the others. ILGPU hands a pointer over as the address in its own space, here shared and global, which is
/// what the instruction takes; the interpreter refuses any other.
/// Source: PTX ISA 8.0, 9.7.8.22 (cp.async).
/// </summary>
internal static class AsyncCopy
{
    /// <summary>Copies an element, or writes zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Element(ArrayView<float> memory, GemmElement element, ArrayView<float> to)
    {
        int bytes = element.IsInside ? 4 : 0;
        fixed (float* source = &memory[element.At], target = &to[0])
            CudaAsm.Emit("cp.async.ca.shared.global [%0], [%1], 4, %2;", (nint)target, (nint)source, bytes);
    }

    /// <summary>Copies an element and its three neighbours, or writes zeros. Both places are multiples of 16 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Quad(ArrayView<float> memory, GemmElement first, ArrayView<float> to)
    {
        int bytes = first.IsInside ? 16 : 0;
        fixed (float* source = &memory[first.At], target = &to[0])
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", (nint)target, (nint)source, bytes);
    }

    /// <summary>Waits until all copies of the thread have arrived.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait() => CudaAsm.Emit("cp.async.wait_all;");
}

using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The matrix product for shapes so small in m that most of a tile would be idle (depthwise convolution, images of one channel): a thread for each
/// element and chunk, which reads both operands from global memory: 8 bytes for 2 operations where caches hold nothing, so that threads side by side
/// should share one operand.
/// </summary>
internal readonly struct ElementGemm<TA, TB, TResult>(GemmSize size, TA a, TB b, TResult result) : IIndexKernel
    where TA : struct, IGemmOperand
    where TB : struct, IGemmOperand
    where TResult : struct, IGemmResult
{
    // The index is ((part Slices + slice) M + m) N + n: it owns that element of C, and neighbours share the element of A.
    public void Run(int index)
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
}

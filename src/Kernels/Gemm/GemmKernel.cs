using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A matrix product of GPUs for operands of certain kinds, by one of two kernels: <see cref="TiledGemm"/>, or, for products so small in
/// m that most of a tile would be idle (depthwise convolution, images of one channel), one thread for each element and chunk, which
/// reads both operands from global memory: 8 bytes for 2 operations where caches hold nothing, so that threads side by side should
/// share one operand. Both sum over k in ascending order. Which one runs must follow from the shape of one image.
/// </summary>
internal sealed class GemmKernel<TA, TB, TResult>
    where TA : struct, IGemmOperand
    where TB : struct, IGemmOperand
    where TResult : struct, IGemmResult
{
    private readonly Action<KernelConfig, GemmSize, TA, TB, TResult>? tiles;
    private readonly Action<int, GemmSize, TA, TB, TResult>? plain;

    public GemmKernel(Device device, bool tiled)
    {
        if (tiled) tiles = device.LoadGrouped<GemmSize, TA, TB, TResult>(TiledGemm.Kernel);
        else plain = device.LoadIndexed<GemmSize, TA, TB, TResult>(PlainKernel);
    }

    public void Run(GemmSize size, TA a, TB b, TResult result)
    {
        if (tiles is not null) tiles(TiledGemm.Config(size), size, a, b, result);
        else plain!(checked(size.M * size.N * size.Slices * size.Chunks), size, a, b, result);
    }

    // The index is ((chunk Slices + slice) M + m) N + n: it owns that element of C, and neighbours share the element of A.
    internal static void PlainKernel(Index1D index, GemmSize size, TA a, TB b, TResult result)
    {
        int n = index % size.N, rest = index / size.N;
        int m = rest % size.M;
        rest /= size.M;
        int slice = rest % size.Slices, chunk = rest / size.Slices;
        int begin = chunk * size.ChunkLength, end = IntrinsicMath.Min(size.K, begin + size.ChunkLength);
        GemmPlace outerA = a.Outer(slice, m), outerB = b.Outer(slice, n);
        float sum = 0;
        for (int k = begin; k < end; k++) sum += a.Load(outerA, a.Inner(slice, k)) * b.Load(outerB, b.Inner(slice, k));
        result.Store(slice, m, n, result.Column(slice, chunk, n), sum);
    }
}

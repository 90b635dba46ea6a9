using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>The elements at one index of up to four tensors, or vectors of them.</summary>
internal readonly struct Elements<TVector>(TVector a, TVector b, TVector c, TVector d) where TVector : struct
{
    public readonly TVector A = a, B = b, C = c, D = d;
}

/// <summary>A function of the elements at one index, written once for CPU and GPU: for vectors, of which a GPU's lane is one.</summary>
internal interface IMap
{
    /// <summary>How many tensors it reads, 0 to 4; what it does not read is 0.</summary>
    static abstract int Inputs { get; }

    /// <summary>The function.</summary>
    TVector Apply<TSimd, TVector>(Elements<TVector> x) where TSimd : struct, ISimd<TVector> where TVector : struct;
}

/// <summary>Applies a function to all elements of tensors: y = f(a, b, c, d). The destination may be a source.</summary>
internal sealed class Map<TMap>(Device device) where TMap : struct, IMap
{
    private readonly SpanKernel<Kernel> kernel = new(device);

    /// <summary>Overwrites y.</summary>
    /// <param name="map">The function.</param>
    /// <param name="y">The destination.</param>
    /// <param name="a">The first source, of as many elements; none where the function takes fewer.</param>
    /// <param name="b">The second.</param>
    /// <param name="c">The third.</param>
    /// <param name="d">The fourth.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Run(in TMap map, Tensor<float> y, Tensor<float> a = default, Tensor<float> b = default, Tensor<float> c = default, Tensor<float> d = default)
    {
        if (TMap.Inputs > 0) Require.SameCount(a, y);
        if (TMap.Inputs > 1) Require.SameCount(b, y);
        if (TMap.Inputs > 2) Require.SameCount(c, y);
        if (TMap.Inputs > 3) Require.SameCount(d, y);
        // A kernel's views must be some: what is not read is the destination.
        ArrayView<float> none = y.View;
        kernel.Launch(y.Count, new Kernel(map, TMap.Inputs > 0 ? a.View : none, TMap.Inputs > 1 ? b.View : none, TMap.Inputs > 2 ? c.View : none, TMap.Inputs > 3 ? d.View : none, y.View));
    }

    // One index owns one element.
    internal readonly struct Kernel(TMap map, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, ArrayView<float> d, ArrayView<float> y) : ISpanKernel
    {
        public void Run(int i) => y[i] = map.Apply<Lane, float>(new Elements<float>(
            TMap.Inputs > 0 ? a[i] : 0, TMap.Inputs > 1 ? b[i] : 0, TMap.Inputs > 2 ? c[i] : 0, TMap.Inputs > 3 ? d[i] : 0));

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* pa = a.Start(), pb = b.Start(), pc = c.Start(), pd = d.Start(), py = y.Start();
            int i = from;
            for (; i <= to - TSimd.Count; i += TSimd.Count)
            {
                TSimd.Store(map.Apply<TSimd, TVector>(new Elements<TVector>(
                    TMap.Inputs > 0 ? TSimd.Load(pa + i) : default, TMap.Inputs > 1 ? TSimd.Load(pb + i) : default, TMap.Inputs > 2 ? TSimd.Load(pc + i) : default, TMap.Inputs > 3 ? TSimd.Load(pd + i) : default)), py + i);
            }
            int rest = to - i;
            if (rest == 0) return;
            SimdTail.Store<TSimd, TVector>(map.Apply<TSimd, TVector>(new Elements<TVector>(
                Tail<TSimd, TVector>(pa, 0, i, rest), Tail<TSimd, TVector>(pb, 1, i, rest), Tail<TSimd, TVector>(pc, 2, i, rest), Tail<TSimd, TVector>(pd, 3, i, rest))), py + i, rest);
        }

        private static unsafe TVector Tail<TSimd, TVector>(float* from, int input, int i, int rest) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TMap.Inputs > input ? SimdTail.Load<TSimd, TVector>(from + i, rest) : default;
    }
}

using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>The elements at one index of up to four tensors, or lanes of them.</summary>
/// <typeparam name="TVector">The lanes.</typeparam>
/// <param name="a">Those of the first tensor.</param>
/// <param name="b">Those of the second.</param>
/// <param name="c">Those of the third.</param>
/// <param name="d">Those of the fourth.</param>
public readonly struct Elements<TVector>(TVector a, TVector b, TVector c, TVector d) where TVector : struct
{
    /// <summary>Those of the first tensor; 0 where there is none.</summary>
    public TVector A { get; } = a;

    /// <summary>Those of the second; 0 where there is none.</summary>
    public TVector B { get; } = b;

    /// <summary>Those of the third; 0 where there is none.</summary>
    public TVector C { get; } = c;

    /// <summary>Those of the fourth; 0 where there is none.</summary>
    public TVector D { get; } = d;
}

/// <summary>
/// A function of the elements at one index, written once: on CPUs it runs on vectors, on GPUs on single lanes. A struct whose fields are its parameters; it must be public, and cannot throw, allocate or call what is
/// virtual.
/// <code>
/// public readonly struct Fma(float factor) : IMap
/// {
///     public static int Inputs => 2;
///     public TVector Apply&lt;TLanes, TVector&gt;(Elements&lt;TVector&gt; x) where TLanes : struct, ILanes&lt;TVector&gt; where TVector : struct =>
///         TLanes.MultiplyAdd(TLanes.Broadcast(factor), x.A, x.B);
/// }
/// </code>
/// </summary>
public interface IMap
{
    /// <summary>How many tensors it reads, 0 to 4; what it does not read is 0.</summary>
    static abstract int Inputs { get; }

    /// <summary>The function.</summary>
    /// <typeparam name="TLanes">The arithmetic.</typeparam>
    /// <typeparam name="TVector">The lanes.</typeparam>
    /// <param name="x">The elements.</param>
    TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct;
}

/// <summary>Applies a function to all elements of tensors: y = f(a, b, c, d). The destination may be a source. Each element is read and written once.</summary>
/// <typeparam name="TMap">The function.</typeparam>
/// <param name="device">The device; a GPU's kernel is compiled here.</param>
public sealed class Map<TMap>(Device device) where TMap : struct, IMap
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

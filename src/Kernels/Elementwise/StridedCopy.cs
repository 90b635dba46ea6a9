using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Copies elements from one regular grid of places to another: y[sum of i_d to_d] = x[sum of i_d from_d] for all indices below the sizes.
/// Transposition is a permutation of strides, broadcasting a stride of 0 in the source, cutting and padding grids that leave places out.
/// Each element is read and written once: 8 bytes for a float.
/// </summary>
public sealed class StridedCopy
{
    private readonly SpanKernel<Kernel<float>> floats;
    private readonly SpanKernel<Kernel<long>> integers;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public StridedCopy(Device device) => (floats, integers) = (new(device), new(device));

    /// <summary>Copies floats. Overwrites the places of y that the grid reaches.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The destination; shares no memory with the source.</param>
    /// <param name="sizes">The sizes of the grid, the slowest first.</param>
    /// <param name="from">Elements of the source from one index to the next, for each size.</param>
    /// <param name="to">Elements of the destination from one index to the next, for each size.</param>
    /// <param name="fromStart">The source's first element.</param>
    /// <param name="toStart">The destination's first element.</param>
    /// <exception cref="ArgumentException">The grid leaves a tensor, a stride is negative, or more than eight dimensions cannot be joined.</exception>
    public void Copy(Tensor<float> x, Tensor<float> y, ReadOnlySpan<int> sizes, ReadOnlySpan<int> from, ReadOnlySpan<int> to, int fromStart = 0, int toStart = 0) =>
        Copy(x, y, CopyGrid.Create(sizes, from, to), fromStart, toStart, floats);

    /// <summary>Copies integers. Overwrites the places of y that the grid reaches.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The destination; shares no memory with the source.</param>
    /// <param name="sizes">The sizes of the grid, the slowest first.</param>
    /// <param name="from">Elements of the source from one index to the next, for each size.</param>
    /// <param name="to">Elements of the destination from one index to the next, for each size.</param>
    /// <param name="fromStart">The source's first element.</param>
    /// <param name="toStart">The destination's first element.</param>
    /// <exception cref="ArgumentException">The grid leaves a tensor, a stride is negative, or more than eight dimensions cannot be joined.</exception>
    public void Copy(Tensor<long> x, Tensor<long> y, ReadOnlySpan<int> sizes, ReadOnlySpan<int> from, ReadOnlySpan<int> to, int fromStart = 0, int toStart = 0) =>
        Copy(x, y, CopyGrid.Create(sizes, from, to), fromStart, toStart, integers);

    private static void Copy<T>(Tensor<T> x, Tensor<T> y, CopyGrid grid, int fromStart, int toStart, SpanKernel<Kernel<T>> kernel) where T : unmanaged
    {
        if (grid.Count == 0) return;
        (long lastFrom, long lastTo) = grid.Last;
        if (fromStart < 0 || fromStart + lastFrom >= x.Count) throw new ArgumentException($"The grid reaches from element {fromStart} to {fromStart + lastFrom} of {x.Count}.", nameof(x));
        if (toStart < 0 || toStart + lastTo >= y.Count) throw new ArgumentException($"The grid reaches from element {toStart} to {toStart + lastTo} of {y.Count}.", nameof(y));
        kernel.Launch(grid.Count, new Kernel<T>(grid, x.View.SubView(fromStart, x.Count - fromStart), y.View.SubView(toStart, y.Count - toStart)));
    }

    // One index owns one element.
    internal readonly struct Kernel<T>(CopyGrid grid, ArrayView<T> x, ArrayView<T> y) : ISpanKernel where T : unmanaged
    {
        public void Run(int i)
        {
            CopyPlace place = grid.At(i);
            y[place.To] = x[place.From];
        }

        // Run by run along the innermost dimension.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            T* px = x.Start(), py = y.Start();
            CopyDimension inner = grid.D7;
            for (int i = from; i < to;)
            {
                CopyPlace place = grid.At(i);
                int run = Math.Min(inner.Size - i % inner.Size, to - i);
                if (inner is { From: 1, To: 1 }) new ReadOnlySpan<T>(px + place.From, run).CopyTo(new Span<T>(py + place.To, run));
                else for (int j = 0; j < run; j++) py[place.To + j * inner.To] = px[place.From + j * inner.From];
                i += run;
            }
        }
    }
}

/// <summary>A dimension of a grid: its size, and the elements from one index to the next in source and destination.</summary>
internal readonly struct CopyDimension(int size, int from, int to)
{
    public readonly int Size = size, From = from, To = to;

    /// <summary>Takes this dimension's index off what is left of an element's number.</summary>
    public CopyPlace Step(CopyPlace p)
    {
        int outer = p.Rest / Size, index = p.Rest - outer * Size;
        return new CopyPlace(outer, p.From + index * From, p.To + index * To);
    }
}

/// <summary>Where an element is read and written, as far as its number is taken apart.</summary>
internal readonly struct CopyPlace(int rest, int from, int to)
{
    public readonly int Rest = rest, From = from, To = to;
}

/// <summary>A grid of up to eight dimensions as kernels use it, the innermost last; those not needed have size 1. Fields, as kernels take no arrays.</summary>
internal readonly struct CopyGrid
{
    public readonly CopyDimension D0, D1, D2, D3, D4, D5, D6, D7;
    public readonly int Count;

    private CopyGrid(ReadOnlySpan<CopyDimension> d, int count)
    {
        (D0, D1, D2, D3, D4, D5, D6, D7) = (d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7]);
        Count = count;
    }

    /// <summary>The places of the last element.</summary>
    public (long From, long To) Last
    {
        get
        {
            (long from, long to) = (0, 0);
            foreach (CopyDimension d in (ReadOnlySpan<CopyDimension>)[D0, D1, D2, D3, D4, D5, D6, D7]) (from, to) = (from + (d.Size - 1L) * d.From, to + (d.Size - 1L) * d.To);
            return (from, to);
        }
    }

    /// <summary>Where element i of the grid is read and written.</summary>
    public CopyPlace At(int i) => D0.Step(D1.Step(D2.Step(D3.Step(D4.Step(D5.Step(D6.Step(D7.Step(new CopyPlace(i, 0, 0)))))))));

    public static CopyGrid Create(ReadOnlySpan<int> sizes, ReadOnlySpan<int> from, ReadOnlySpan<int> to)
    {
        if (from.Length != sizes.Length || to.Length != sizes.Length) throw new ArgumentException($"{sizes.Length} sizes need as many strides, not {from.Length} and {to.Length}.");
        // Dimensions of size 1 are left out, and neighbours joined that lie one within the other on both sides; what is left may still be many.
        var kept = new List<CopyDimension>();
        int count = 1;
        for (int i = 0; i < sizes.Length; i++)
        {
            if (sizes[i] < 0 || from[i] < 0 || to[i] < 0) throw new ArgumentException($"Dimension {i} of a grid has size {sizes[i]} and strides {from[i]} and {to[i]}: none may be negative.");
            count = checked(count * sizes[i]);
            if (sizes[i] == 1) continue;
            var inner = new CopyDimension(sizes[i], from[i], to[i]);
            if (kept.Count > 0 && kept[^1] is var outer && outer.From == (long)inner.From * inner.Size && outer.To == (long)inner.To * inner.Size)
                kept[^1] = new CopyDimension(outer.Size * inner.Size, inner.From, inner.To);
            else kept.Add(inner);
        }
        const int most = 8;
        if (kept.Count > most) throw new ArgumentException($"A grid of {kept.Count} dimensions that cannot be joined has more than {most}.", nameof(sizes));
        return new CopyGrid([.. Enumerable.Repeat(new CopyDimension(1, 0, 0), most - kept.Count), .. kept], count);
    }
}

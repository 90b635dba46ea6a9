using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Arithmetic of integers of up to 64 bits, element by element. Integers of every width stand in 64 bits on the device; what a width cannot hold wraps
/// around, as in its own arithmetic. An unsigned integer of 64 bits stands there with the same bits. The destination may be a source.
/// </summary>
public sealed class IntegerArithmetic
{
    private readonly Device device;
    private readonly Action<int, int, int, ArrayView<long>, ArrayView<long>, ArrayView<long>>? add;
    private readonly Action<int, long, long, long, ArrayView<long>, ArrayView<long>>? clip;
    private readonly Action<int, ArrayView<long>, ArrayView<float>>? toFloat;
    private readonly Action<int, ArrayView<float>, ArrayView<long>>? fromFloat;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public IntegerArithmetic(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (device.IsHost) return;
        add = device.LoadIndexed<int, int, ArrayView<long>, ArrayView<long>, ArrayView<long>>(AddKernel);
        clip = device.LoadIndexed<long, long, long, ArrayView<long>, ArrayView<long>>(ClipKernel);
        toFloat = device.LoadIndexed<ArrayView<long>, ArrayView<float>>(ToFloatKernel);
        fromFloat = device.LoadIndexed<ArrayView<float>, ArrayView<long>>(FromFloatKernel);
    }

    /// <summary>y = a + b in integers of some width. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination.</param>
    /// <param name="bits">The width: 8, 16, 32 or 64.</param>
    /// <param name="isSigned">Whether the integers have a sign.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Add(Tensor<long> a, Tensor<long> b, Tensor<long> y, int bits, bool isSigned)
    {
        RequireSameCount(a.Count, b.Count);
        RequireSameCount(a.Count, y.Count);
        int shift = 64 - bits, signed = isSigned ? 1 : 0;
        if (a.Count == 0) return;
        if (add is not null)
        {
            add(a.Count, shift, signed, a.View, b.View, y.View);
            return;
        }
        (long[] first, long[] second) = (a.ToArray(), b.ToArray());
        for (int i = 0; i < first.Length; i++) first[i] = Wrap(first[i] + second[i], shift, signed);
        y.CopyFrom(first);
    }

    /// <summary>y = min(max(x, low), high). Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="low">The lowest value.</param>
    /// <param name="high">The highest value; it wins where it is below <paramref name="low"/>.</param>
    /// <param name="y">The destination.</param>
    /// <param name="isUnsigned64">Whether the values are unsigned integers of 64 bits, which order otherwise.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Clip(Tensor<long> x, long low, long high, Tensor<long> y, bool isUnsigned64 = false)
    {
        RequireSameCount(x.Count, y.Count);
        // With the highest bit turned over, unsigned integers are in the order of signed ones.
        long flip = isUnsigned64 ? long.MinValue : 0;
        if (x.Count == 0) return;
        if (clip is not null)
        {
            clip(x.Count, low ^ flip, high ^ flip, flip, x.View, y.View);
            return;
        }
        long[] values = x.ToArray();
        for (int i = 0; i < values.Length; i++) values[i] = Clipped(values[i], low ^ flip, high ^ flip, flip);
        y.CopyFrom(values);
    }

    /// <summary>y = x as float32, of integers that fit in 32 bits; exact up to 2^24. Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The destination.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void ToFloat(Tensor<long> x, Tensor<float> y)
    {
        RequireSameCount(x.Count, y.Count);
        if (x.Count == 0) return;
        if (toFloat is not null) toFloat(x.Count, x.View, y.View);
        else y.CopyFrom(Array.ConvertAll(x.ToArray(), v => (float)v));
    }

    /// <summary>y = x, whose values are whole numbers that fit in 32 bits, as integers. Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The destination.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void FromFloat(Tensor<float> x, Tensor<long> y)
    {
        RequireSameCount(x.Count, y.Count);
        if (x.Count == 0) return;
        if (fromFloat is not null) fromFloat(x.Count, x.View, y.View);
        else y.CopyFrom(Array.ConvertAll(x.ToArray(), v => (long)v));
    }

    private static void RequireSameCount(int a, int b)
    {
        if (a != b) throw new ArgumentException($"{a} elements and {b}: they need to be as many.");
    }

    // One index owns one element.
    private static void AddKernel(Index1D i, int shift, int signed, ArrayView<long> a, ArrayView<long> b, ArrayView<long> y) => y[i] = Wrap(a[i] + b[i], shift, signed);

    private static void ClipKernel(Index1D i, long low, long high, long flip, ArrayView<long> x, ArrayView<long> y) => y[i] = Clipped(x[i], low, high, flip);

    // By way of 32 bits, which GPUs convert in one instruction.
    private static void ToFloatKernel(Index1D i, ArrayView<long> x, ArrayView<float> y) => y[i] = (int)x[i];

    private static void FromFloatKernel(Index1D i, ArrayView<float> x, ArrayView<long> y) => y[i] = (int)x[i];

    // The lowest bits of a sum, with the sign that they have in their width.
    private static long Wrap(long value, int shift, int signed)
    {
        long raised = value << shift;
        return signed != 0 ? raised >> shift : (long)((ulong)raised >> shift);
    }

    private static long Clipped(long value, long low, long high, long flip)
    {
        long v = value ^ flip;
        v = v < low ? low : v;
        v = v > high ? high : v;
        return v ^ flip;
    }
}

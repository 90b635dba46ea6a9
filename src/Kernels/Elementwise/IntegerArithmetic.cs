using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Arithmetic of integers of up to 64 bits, element by element. Integers of every width stand in 64 bits on the device; what a width cannot hold wraps
/// around, as in its own arithmetic. An unsigned integer of 64 bits stands there with the same bits. The destination may be a source.
/// </summary>
public sealed class IntegerArithmetic
{
    private readonly IndexKernel<AddKernel> add;
    private readonly IndexKernel<ClipKernel> clip;
    private readonly IndexKernel<ToFloatKernel> toFloat;
    private readonly IndexKernel<FromFloatKernel> fromFloat;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public IntegerArithmetic(Device device) => (add, clip, toFloat, fromFloat) = (new(device), new(device), new(device), new(device));

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
        add.Launch(a.Count, new AddKernel(64 - bits, isSigned ? 1 : 0, a.View, b.View, y.View));
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
        clip.Launch(x.Count, new ClipKernel(low ^ flip, high ^ flip, flip, x.View, y.View));
    }

    /// <summary>y = x as float32, of integers that fit in 32 bits; exact up to 2^24. Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The destination.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void ToFloat(Tensor<long> x, Tensor<float> y)
    {
        RequireSameCount(x.Count, y.Count);
        toFloat.Launch(x.Count, new ToFloatKernel(x.View, y.View));
    }

    /// <summary>y = x, whose values are whole numbers that fit in 32 bits, as integers. Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The destination.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void FromFloat(Tensor<float> x, Tensor<long> y)
    {
        RequireSameCount(x.Count, y.Count);
        fromFloat.Launch(x.Count, new FromFloatKernel(x.View, y.View));
    }

    private static void RequireSameCount(int a, int b)
    {
        if (a != b) throw new ArgumentException($"{a} elements and {b}: they need to be as many.");
    }

    // One index owns one element. Of a sum the lowest bits stay, with the sign that they have in their width.
    internal readonly struct AddKernel(int shift, int signed, ArrayView<long> a, ArrayView<long> b, ArrayView<long> y) : IIndexKernel
    {
        public void Run(int i)
        {
            long raised = (a[i] + b[i]) << shift;
            y[i] = signed != 0 ? raised >> shift : (long)((ulong)raised >> shift);
        }
    }

    internal readonly struct ClipKernel(long low, long high, long flip, ArrayView<long> x, ArrayView<long> y) : IIndexKernel
    {
        public void Run(int i)
        {
            long v = x[i] ^ flip;
            v = v < low ? low : v;
            v = v > high ? high : v;
            y[i] = v ^ flip;
        }
    }

    // By way of 32 bits, which GPUs convert in one instruction.
    internal readonly struct ToFloatKernel(ArrayView<long> x, ArrayView<float> y) : IIndexKernel
    {
        public void Run(int i) => y[i] = (int)x[i];
    }

    internal readonly struct FromFloatKernel(ArrayView<float> x, ArrayView<long> y) : IIndexKernel
    {
        public void Run(int i) => y[i] = (int)x[i];
    }
}

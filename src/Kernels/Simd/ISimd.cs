namespace GpuConv.Kernels;

/// <summary>
/// The vector operations that CPU kernels are written in, once for every vector width: <see cref="Simd512"/>,
/// <see cref="Simd256"/>, <see cref="Simd128"/> and, for processors without vectors, <see cref="SimdScalar"/> implement them, and
/// <see cref="HostTeam"/> chooses one by <see cref="SimdWidth"/>.
/// Every operation gives each lane the same bits at every width.
/// </summary>
/// <typeparam name="TVector">The vector of floats.</typeparam>
internal unsafe interface ISimd<TVector> where TVector : struct
{
    /// <summary>The number of lanes: 4, 8 or 16.</summary>
    static abstract int Count { get; }

    /// <summary>Loads <see cref="Count"/> floats; the address need not be aligned.</summary>
    static abstract TVector Load(float* source);

    /// <summary>Stores <see cref="Count"/> floats; the address need not be aligned.</summary>
    static abstract void Store(TVector value, float* destination);

    /// <summary>The same value in every lane.</summary>
    static abstract TVector Broadcast(float value);

    /// <summary>a + b.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a - b.</summary>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a * b.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a / b.</summary>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>a * b + c, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The larger value; NaN if either is NaN.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>The smaller value; NaN if either is NaN.</summary>
    static abstract TVector Min(TVector a, TVector b);

    /// <summary>a where a &gt; b, else b; either where one is NaN. One instruction, where <see cref="Max"/> takes several.</summary>
    static abstract TVector MaxOrEither(TVector a, TVector b);

    /// <summary>A mask of the lanes where a or b is NaN; NaN itself as a value.</summary>
    static abstract TVector Unordered(TVector a, TVector b);

    /// <summary>The bits of a or b: masks joined, or a value made NaN where a mask is set.</summary>
    static abstract TVector Or(TVector a, TVector b);

    /// <summary>The square root, correctly rounded.</summary>
    static abstract TVector Sqrt(TVector a);

    /// <summary>The nearest integer, ties to even.</summary>
    static abstract TVector Round(TVector a);

    /// <summary>A mask of the lanes where a &gt; b, for <see cref="Select"/>.</summary>
    static abstract TVector GreaterThan(TVector a, TVector b);

    /// <summary>A mask of the lanes where a &gt; b or a is NaN, for <see cref="Select"/>.</summary>
    static abstract TVector GreaterThanOrNaN(TVector a, TVector b);

    /// <summary>Lanes 0, 2, 4, ... of a followed by those of b.</summary>
    static abstract TVector Even(TVector a, TVector b);

    /// <summary>Lanes 1, 3, 5, ... of a followed by those of b.</summary>
    static abstract TVector Odd(TVector a, TVector b);

    /// <summary>a0 b0 a1 b1 ... of the lower halves: what <see cref="Even"/> and <see cref="Odd"/> take apart, first vector.</summary>
    static abstract TVector InterleaveLow(TVector a, TVector b);

    /// <summary>a0 b0 a1 b1 ... of the upper halves, second vector.</summary>
    static abstract TVector InterleaveHigh(TVector a, TVector b);

    /// <summary>Loads <see cref="Count"/> integers as floats, exact below 2^24.</summary>
    static abstract TVector LoadInt32(int* source);

    /// <summary>Stores lanes that hold integers below 2^24 as integers.</summary>
    static abstract void StoreInt32(TVector value, int* destination);

    /// <summary>Loads <see cref="Count"/> bytes as floats.</summary>
    static abstract TVector LoadBytes(byte* source);

    /// <summary>Stores lanes that hold integers from 0 to 127 as bytes.</summary>
    static abstract void StoreBytes(TVector value, byte* destination);

    /// <summary>A mask of the lanes where a equals b, for <see cref="Select"/>.</summary>
    static abstract TVector Equal(TVector a, TVector b);

    /// <summary>a where the mask is set, b elsewhere.</summary>
    static abstract TVector Select(TVector mask, TVector a, TVector b);

    /// <summary>2 to the power n, for integers n from -126 to 127.</summary>
    static abstract TVector Pow2(TVector n);

    /// <summary>The exponent of a positive normal number a = mantissa * 2^exponent.</summary>
    static abstract TVector Exponent(TVector a);

    /// <summary>The mantissa, in [1, 2), of a positive normal number.</summary>
    static abstract TVector Mantissa(TVector a);
}

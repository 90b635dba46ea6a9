namespace GpuConv.Kernels;

/// <summary>
/// Arithmetic of float32 lanes, which formulas are written in once for CPU and GPU: a vector of the processor's, or a single lane of a GPU. Every operation gives each lane the same bits at every width.
/// Comparisons give masks for <see cref="Select"/>. Beyond these: <see cref="SimdMath"/>.
/// </summary>
/// <typeparam name="TVector">The lanes.</typeparam>
public interface ILanes<TVector> where TVector : struct
{
    /// <summary>The same value in every lane.</summary>
    /// <param name="value">The value.</param>
    static abstract TVector Broadcast(float value);

    /// <summary>a + b.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a - b.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a * b.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a / b.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>a * b + c, rounded once.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    /// <param name="c">The addend.</param>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The larger value; NaN if either is NaN.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>The smaller value; NaN if either is NaN.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Min(TVector a, TVector b);

    /// <summary>a where a &gt; b, else b; either where one is NaN. One instruction, where <see cref="Max"/> takes several.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector MaxOrEither(TVector a, TVector b);

    /// <summary>A mask of the lanes where a or b is NaN; NaN itself as a value.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Unordered(TVector a, TVector b);

    /// <summary>The bits of a or b: masks joined, or a value made NaN where a mask is set.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Or(TVector a, TVector b);

    /// <summary>The square root, correctly rounded.</summary>
    /// <param name="a">The operand.</param>
    static abstract TVector Sqrt(TVector a);

    /// <summary>The nearest integer, ties to even.</summary>
    /// <param name="a">The operand.</param>
    static abstract TVector Round(TVector a);

    /// <summary>A mask of the lanes where a &gt; b, for <see cref="Select"/>.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector GreaterThan(TVector a, TVector b);

    /// <summary>A mask of the lanes where a &gt; b or a is NaN, for <see cref="Select"/>.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector GreaterThanOrNaN(TVector a, TVector b);

    /// <summary>A mask of the lanes where a equals b, for <see cref="Select"/>.</summary>
    /// <param name="a">The first operand.</param>
    /// <param name="b">The second operand.</param>
    static abstract TVector Equal(TVector a, TVector b);

    /// <summary>a where the mask is set, b elsewhere.</summary>
    /// <param name="mask">The mask.</param>
    /// <param name="a">Where the mask is set.</param>
    /// <param name="b">Elsewhere.</param>
    static abstract TVector Select(TVector mask, TVector a, TVector b);

    /// <summary>2 to the power n, for integers n from -126 to 127.</summary>
    /// <param name="n">The exponents.</param>
    static abstract TVector Pow2(TVector n);

    /// <summary>The exponent of a positive normal number a = mantissa * 2^exponent.</summary>
    /// <param name="a">The operand.</param>
    static abstract TVector Exponent(TVector a);

    /// <summary>The mantissa, in [1, 2), of a positive normal number.</summary>
    /// <param name="a">The operand.</param>
    static abstract TVector Mantissa(TVector a);
}

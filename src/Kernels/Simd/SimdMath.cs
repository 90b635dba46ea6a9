using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Exponential, logarithm and hyperbolic tangent of each lane. Polynomials of our own, so that results do not depend on the
/// platform's library, the processor or the vector width. Method and coefficients: S. Moshier's Cephes library, single precision
/// (expf, logf, tanhf), netlib.org/cephes. The largest errors over the whole float range stand in SimdMathTests.
/// </summary>
internal static class SimdMath
{
    private const float Log2E = 1.44269504088896341f;

    // ln 2 in two parts; the first has few bits, so that its product with an exponent is exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>
    /// e to the power x. Underflows gradually through the denormals to 0 (at and below -103.98), overflows to infinity above 88.73;
    /// NaN stays NaN.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        // Beyond these bounds the result is 0 or infinity, and inside them both halves of the exponent fit Pow2. NaN fails both
        // comparisons and stays. (Min and Max, which must look for NaN, cost a third of the whole.)
        TVector lowest = TSimd.Broadcast(-104), highest = TSimd.Broadcast(89);
        x = TSimd.Select(TSimd.GreaterThan(lowest, x), lowest, x);
        x = TSimd.Select(TSimd.GreaterThan(x, highest), highest, x);
        TVector n = TSimd.Round(TSimd.Multiply(x, TSimd.Broadcast(Log2E)));
        TVector r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-Ln2High), x);
        r = TSimd.MultiplyAdd(n, TSimd.Broadcast(-Ln2Low), r);
        TVector p = TSimd.Broadcast(1.9875691500e-4f);
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1.3981999507e-3f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(8.3334519073e-3f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(4.1665795894e-2f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(1.6666665459e-1f));
        p = TSimd.MultiplyAdd(p, r, TSimd.Broadcast(5.0000001201e-1f));
        // 1 is added last, so that the rounding of all else is small against the last one.
        p = TSimd.Add(TSimd.MultiplyAdd(p, TSimd.Multiply(r, r), r), TSimd.Broadcast(1));
        // 2^n in two factors: n reaches from -150 to 128. The first product is exact; the second rounds once, into a denormal if need be.
        TVector half = TSimd.Round(TSimd.Multiply(n, TSimd.Broadcast(0.5f)));
        return TSimd.Multiply(TSimd.Multiply(p, TSimd.Pow2(half)), TSimd.Pow2(TSimd.Subtract(n, half)));
    }

    /// <summary>The natural logarithm. Of 0: -infinity; of negative numbers: NaN; of infinity: infinity; denormals are exact inputs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Log<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector one = TSimd.Broadcast(1);
        // Denormals are scaled into the normal range, where exponent and mantissa can be read off.
        TVector denormal = TSimd.GreaterThan(TSimd.Broadcast(1.17549435e-38f), x);
        TVector a = TSimd.Select(denormal, TSimd.Multiply(x, TSimd.Broadcast(8388608)), x);
        TVector e = TSimd.Add(TSimd.Exponent(a), TSimd.Select(denormal, TSimd.Broadcast(-23), default));
        TVector m = TSimd.Mantissa(a);
        // The mantissa from [1, 2) to [sqrt(1/2), sqrt(2)), so that numbers on both sides of 1 keep the exponent 0.
        TVector large = TSimd.GreaterThan(m, TSimd.Broadcast(1.41421356f));
        m = TSimd.Select(large, TSimd.Multiply(m, TSimd.Broadcast(0.5f)), m);
        e = TSimd.Select(large, TSimd.Add(e, one), e);
        TVector f = TSimd.Subtract(m, one);
        TVector z = TSimd.Multiply(f, f);
        TVector p = TSimd.Broadcast(7.0376836292e-2f);
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(-1.1514610310e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(1.1676998740e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(-1.2420140846e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(1.4249322787e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(-1.6668057665e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(2.0000714765e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(-2.4999993993e-1f));
        p = TSimd.MultiplyAdd(p, f, TSimd.Broadcast(3.3333331174e-1f));
        TVector y = TSimd.Multiply(TSimd.Multiply(p, f), z);
        y = TSimd.MultiplyAdd(e, TSimd.Broadcast(Ln2Low), y);
        y = TSimd.MultiplyAdd(z, TSimd.Broadcast(-0.5f), y);
        y = TSimd.MultiplyAdd(e, TSimd.Broadcast(Ln2High), TSimd.Add(f, y));
        // Infinity, and NaN of either sign, fail this comparison and pass through: both plus infinity are themselves.
        TVector infinity = TSimd.Broadcast(float.PositiveInfinity);
        y = TSimd.Select(TSimd.GreaterThan(infinity, x), y, TSimd.Add(x, infinity));
        y = TSimd.Select(TSimd.GreaterThan(default, x), TSimd.Broadcast(float.NaN), y);
        return TSimd.Select(TSimd.Equal(x, default), TSimd.Broadcast(float.NegativeInfinity), y);
    }

    /// <summary>The hyperbolic tangent: an odd polynomial up to 0.625, 1 - 2 / (e^(2|x|) + 1) with x's sign beyond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector negative = TSimd.GreaterThan(default, x);
        TVector magnitude = TSimd.Select(negative, TSimd.Subtract(default, x), x);
        TVector e = Exp<TSimd, TVector>(TSimd.Add(magnitude, magnitude));
        TVector one = TSimd.Broadcast(1);
        TVector t = TSimd.Subtract(one, TSimd.Divide(TSimd.Broadcast(2), TSimd.Add(e, one)));
        t = TSimd.Select(negative, TSimd.Subtract(default, t), t);
        TVector z = TSimd.Multiply(x, x);
        TVector p = TSimd.Broadcast(-5.70498872745e-3f);
        p = TSimd.MultiplyAdd(p, z, TSimd.Broadcast(2.06390887954e-2f));
        p = TSimd.MultiplyAdd(p, z, TSimd.Broadcast(-5.37397155531e-2f));
        p = TSimd.MultiplyAdd(p, z, TSimd.Broadcast(1.33314422036e-1f));
        p = TSimd.MultiplyAdd(p, z, TSimd.Broadcast(-3.33332819422e-1f));
        p = TSimd.MultiplyAdd(TSimd.Multiply(p, z), x, x);
        return TSimd.Select(TSimd.GreaterThan(magnitude, TSimd.Broadcast(0.625f)), t, p);
    }

    /// <summary>The logistic function 1 / (1 + e^-x). Below -88.73, where it is denormal, 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Divide(TSimd.Broadcast(1), TSimd.Add(TSimd.Broadcast(1), Exp<TSimd, TVector>(TSimd.Subtract(default, x))));
}

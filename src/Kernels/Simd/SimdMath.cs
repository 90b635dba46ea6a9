using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Exponential, logarithm and hyperbolic tangent of each lane. Polynomials of our own, so that results do not depend on the
/// platform's library, the processor or the vector width. Method and coefficients: S. Moshier's Cephes library, single precision
/// (expf, logf, tanhf), netlib.org/cephes. The largest errors over the whole float range stand in SimdMathTests.
/// </summary>
public static class SimdMath
{
    private const float Log2E = 1.44269504088896341f;

    // ln 2 in two parts; the first has few bits, so that its product with an exponent is exact.
    private const float Ln2High = 0.693359375f;
    private const float Ln2Low = -2.12194440e-4f;

    /// <summary>
    /// e to the power x. Underflows gradually through the denormals to 0 (at and below -103.98), overflows to infinity above 88.73;
    /// NaN stays NaN.
    /// </summary>
    /// <typeparam name="TLanes">The arithmetic.</typeparam>
    /// <typeparam name="TVector">The lanes.</typeparam>
    /// <param name="x">The argument.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        // Beyond these bounds the result is 0 or infinity, and inside them both halves of the exponent fit Pow2. NaN fails both
        // comparisons and stays. (Min and Max, which must look for NaN, cost a third of the whole.)
        TVector lowest = TLanes.Broadcast(-104), highest = TLanes.Broadcast(89);
        x = TLanes.Select(TLanes.GreaterThan(lowest, x), lowest, x);
        x = TLanes.Select(TLanes.GreaterThan(x, highest), highest, x);
        TVector n = TLanes.Round(TLanes.Multiply(x, TLanes.Broadcast(Log2E)));
        TVector r = TLanes.MultiplyAdd(n, TLanes.Broadcast(-Ln2High), x);
        r = TLanes.MultiplyAdd(n, TLanes.Broadcast(-Ln2Low), r);
        TVector p = TLanes.Broadcast(1.9875691500e-4f);
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.3981999507e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(8.3334519073e-3f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(4.1665795894e-2f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(1.6666665459e-1f));
        p = TLanes.MultiplyAdd(p, r, TLanes.Broadcast(5.0000001201e-1f));
        // 1 is added last, so that the rounding of all else is small against the last one.
        p = TLanes.Add(TLanes.MultiplyAdd(p, TLanes.Multiply(r, r), r), TLanes.Broadcast(1));
        // 2^n in two factors: n reaches from -150 to 128. The first product is exact; the second rounds once, into a denormal if need be.
        TVector half = TLanes.Round(TLanes.Multiply(n, TLanes.Broadcast(0.5f)));
        return TLanes.Multiply(TLanes.Multiply(p, TLanes.Pow2(half)), TLanes.Pow2(TLanes.Subtract(n, half)));
    }

    /// <summary>The natural logarithm. Of 0: -infinity; of negative numbers: NaN; of infinity: infinity; denormals are exact inputs.</summary>
    /// <typeparam name="TLanes">The arithmetic.</typeparam>
    /// <typeparam name="TVector">The lanes.</typeparam>
    /// <param name="x">The argument.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Log<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector one = TLanes.Broadcast(1);
        // Denormals are scaled into the normal range, where exponent and mantissa can be read off.
        TVector denormal = TLanes.GreaterThan(TLanes.Broadcast(1.17549435e-38f), x);
        TVector a = TLanes.Select(denormal, TLanes.Multiply(x, TLanes.Broadcast(8388608)), x);
        TVector e = TLanes.Add(TLanes.Exponent(a), TLanes.Select(denormal, TLanes.Broadcast(-23), default));
        TVector m = TLanes.Mantissa(a);
        // The mantissa from [1, 2) to [sqrt(1/2), sqrt(2)), so that numbers on both sides of 1 keep the exponent 0.
        TVector large = TLanes.GreaterThan(m, TLanes.Broadcast(1.41421356f));
        m = TLanes.Select(large, TLanes.Multiply(m, TLanes.Broadcast(0.5f)), m);
        e = TLanes.Select(large, TLanes.Add(e, one), e);
        TVector f = TLanes.Subtract(m, one);
        TVector z = TLanes.Multiply(f, f);
        TVector p = TLanes.Broadcast(7.0376836292e-2f);
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-1.1514610310e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(1.1676998740e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-1.2420140846e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(1.4249322787e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-1.6668057665e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(2.0000714765e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(-2.4999993993e-1f));
        p = TLanes.MultiplyAdd(p, f, TLanes.Broadcast(3.3333331174e-1f));
        TVector y = TLanes.Multiply(TLanes.Multiply(p, f), z);
        y = TLanes.MultiplyAdd(e, TLanes.Broadcast(Ln2Low), y);
        y = TLanes.MultiplyAdd(z, TLanes.Broadcast(-0.5f), y);
        y = TLanes.MultiplyAdd(e, TLanes.Broadcast(Ln2High), TLanes.Add(f, y));
        // Infinity, and NaN of either sign, fail this comparison and pass through: both plus infinity are themselves.
        TVector infinity = TLanes.Broadcast(float.PositiveInfinity);
        y = TLanes.Select(TLanes.GreaterThan(infinity, x), y, TLanes.Add(x, infinity));
        y = TLanes.Select(TLanes.GreaterThan(default, x), TLanes.Broadcast(float.NaN), y);
        return TLanes.Select(TLanes.Equal(x, default), TLanes.Broadcast(float.NegativeInfinity), y);
    }

    /// <summary>The hyperbolic tangent: an odd polynomial up to 0.625, 1 - 2 / (e^(2|x|) + 1) with x's sign beyond.</summary>
    /// <typeparam name="TLanes">The arithmetic.</typeparam>
    /// <typeparam name="TVector">The lanes.</typeparam>
    /// <param name="x">The argument.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector negative = TLanes.GreaterThan(default, x);
        TVector magnitude = TLanes.Select(negative, TLanes.Subtract(default, x), x);
        TVector e = Exp<TLanes, TVector>(TLanes.Add(magnitude, magnitude));
        TVector one = TLanes.Broadcast(1);
        TVector t = TLanes.Subtract(one, TLanes.Divide(TLanes.Broadcast(2), TLanes.Add(e, one)));
        t = TLanes.Select(negative, TLanes.Subtract(default, t), t);
        TVector z = TLanes.Multiply(x, x);
        TVector p = TLanes.Broadcast(-5.70498872745e-3f);
        p = TLanes.MultiplyAdd(p, z, TLanes.Broadcast(2.06390887954e-2f));
        p = TLanes.MultiplyAdd(p, z, TLanes.Broadcast(-5.37397155531e-2f));
        p = TLanes.MultiplyAdd(p, z, TLanes.Broadcast(1.33314422036e-1f));
        p = TLanes.MultiplyAdd(p, z, TLanes.Broadcast(-3.33332819422e-1f));
        p = TLanes.MultiplyAdd(TLanes.Multiply(p, z), x, x);
        return TLanes.Select(TLanes.GreaterThan(magnitude, TLanes.Broadcast(0.625f)), t, p);
    }

    /// <summary>The logistic function 1 / (1 + e^-x). Below -88.73, where it is denormal, 0.</summary>
    /// <typeparam name="TLanes">The arithmetic.</typeparam>
    /// <typeparam name="TVector">The lanes.</typeparam>
    /// <param name="x">The argument.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Divide(TLanes.Broadcast(1), TLanes.Add(TLanes.Broadcast(1), Exp<TLanes, TVector>(TLanes.Subtract(default, x))));
}

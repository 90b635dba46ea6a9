namespace GpuConv.Kernels;

/// <summary>
/// x P(x), where P is the standard normal distribution's cumulative function; its derivative is P(x) + x p(x), with the density p. Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2; not the
/// approximation by a hyperbolic tangent.
/// </summary>
internal readonly struct GeluFunction : IActivation
{
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Multiply(x, Normal<TSimd, TVector>(x, out _));

    public TVector Backward<TSimd, TVector>(TVector x, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector cumulative = Normal<TSimd, TVector>(x, out TVector bell);
        // 1 / sqrt(2 pi).
        return TSimd.Multiply(dy, TSimd.MultiplyAdd(x, TSimd.Multiply(bell, TSimd.Broadcast(0.398942280401432678f)), cumulative));
    }

    // P(x) = (1 + erf(x / sqrt 2)) / 2, and e^(-x^2 / 2). Polynomials: Cephes, ndtrf.c (erff below 1, erfcf above).
    private static TVector Normal<TSimd, TVector>(TVector x, out TVector bell)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector one = TSimd.Broadcast(1), half = TSimd.Broadcast(0.5f), negative = TSimd.GreaterThan(default, x);
        // Beyond 16 it is 0 or 1.
        TVector magnitude = TSimd.Min(TSimd.Select(negative, TSimd.Subtract(default, x), x), TSimd.Broadcast(16));
        TVector a = TSimd.Multiply(magnitude, TSimd.Broadcast(0.70710678118654752f)), aa = TSimd.Multiply(half, TSimd.Multiply(magnitude, magnitude));

        TVector t = TSimd.Broadcast(7.853861353153693e-5f);
        t = TSimd.MultiplyAdd(t, aa, TSimd.Broadcast(-8.010193625184903e-4f));
        t = TSimd.MultiplyAdd(t, aa, TSimd.Broadcast(5.188327685732524e-3f));
        t = TSimd.MultiplyAdd(t, aa, TSimd.Broadcast(-2.685381193529856e-2f));
        t = TSimd.MultiplyAdd(t, aa, TSimd.Broadcast(1.128358514861418e-1f));
        t = TSimd.MultiplyAdd(t, aa, TSimd.Broadcast(-3.761262582423300e-1f));
        t = TSimd.MultiplyAdd(t, aa, TSimd.Broadcast(1.128379165726710f));
        TVector erf = TSimd.Multiply(a, t);
        TVector near = TSimd.Multiply(half, TSimd.Select(negative, TSimd.Subtract(one, erf), TSimd.Add(one, erf)));

        bell = SimdMath.Exp<TSimd, TVector>(TSimd.Subtract(default, aa));

        TVector q = TSimd.Divide(one, a), y = TSimd.Multiply(q, q);
        TVector p = TSimd.Broadcast(2.326819970068386e-2f);
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(-1.387039388740657e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(3.687424674597105e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(-5.824733027278666e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(6.210004621745983e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(-4.944515323274145e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(3.404879937665872e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(-2.741127028184656e-1f));
        p = TSimd.MultiplyAdd(p, y, TSimd.Broadcast(5.638259427386472e-1f));
        TVector r = TSimd.Broadcast(-1.047766399936249e+1f);
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(1.297719955372516e+1f));
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(-7.495518717768503f));
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(2.921019019210786f));
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(-1.015265279202700f));
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(4.218463358204948e-1f));
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(-2.820767439740514e-1f));
        r = TSimd.MultiplyAdd(r, y, TSimd.Broadcast(5.641895067754075e-1f));
        TVector tail = TSimd.Multiply(half, TSimd.Multiply(TSimd.Multiply(bell, q), TSimd.Select(TSimd.GreaterThan(TSimd.Broadcast(2), a), p, r)));
        TVector far = TSimd.Select(negative, tail, TSimd.Subtract(one, tail));
        return TSimd.Select(TSimd.GreaterThan(one, a), near, far);
    }
}

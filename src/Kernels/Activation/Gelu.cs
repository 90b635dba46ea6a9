namespace GpuConv.Kernels;

/// <summary>
/// x P(x), where P is the standard normal distribution's cumulative function; its derivative is P(x) + x p(x), with the density p. Hendrycks and Gimpel 2016, arXiv 1606.08415, section 2; not the
/// approximation by a hyperbolic tangent.
/// </summary>
internal readonly struct GeluFunction : IActivation
{
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Multiply(x, Normal<TLanes, TVector>(x, out _));

    public TVector Backward<TLanes, TVector>(TVector x, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector cumulative = Normal<TLanes, TVector>(x, out TVector bell);
        // 1 / sqrt(2 pi).
        return TLanes.Multiply(dy, TLanes.MultiplyAdd(x, TLanes.Multiply(bell, TLanes.Broadcast(0.398942280401432678f)), cumulative));
    }

    // P(x) = (1 + erf(x / sqrt 2)) / 2, and e^(-x^2 / 2). Polynomials: Cephes, ndtrf.c (erff below 1, erfcf above).
    private static TVector Normal<TLanes, TVector>(TVector x, out TVector bell)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector one = TLanes.Broadcast(1), half = TLanes.Broadcast(0.5f), negative = TLanes.GreaterThan(default, x);
        // Beyond 16 it is 0 or 1.
        TVector magnitude = TLanes.Min(TLanes.Select(negative, TLanes.Subtract(default, x), x), TLanes.Broadcast(16));
        TVector a = TLanes.Multiply(magnitude, TLanes.Broadcast(0.70710678118654752f)), aa = TLanes.Multiply(half, TLanes.Multiply(magnitude, magnitude));

        TVector t = TLanes.Broadcast(7.853861353153693e-5f);
        t = TLanes.MultiplyAdd(t, aa, TLanes.Broadcast(-8.010193625184903e-4f));
        t = TLanes.MultiplyAdd(t, aa, TLanes.Broadcast(5.188327685732524e-3f));
        t = TLanes.MultiplyAdd(t, aa, TLanes.Broadcast(-2.685381193529856e-2f));
        t = TLanes.MultiplyAdd(t, aa, TLanes.Broadcast(1.128358514861418e-1f));
        t = TLanes.MultiplyAdd(t, aa, TLanes.Broadcast(-3.761262582423300e-1f));
        t = TLanes.MultiplyAdd(t, aa, TLanes.Broadcast(1.128379165726710f));
        TVector erf = TLanes.Multiply(a, t);
        TVector near = TLanes.Multiply(half, TLanes.Select(negative, TLanes.Subtract(one, erf), TLanes.Add(one, erf)));

        bell = SimdMath.Exp<TLanes, TVector>(TLanes.Subtract(default, aa));

        TVector q = TLanes.Divide(one, a), y = TLanes.Multiply(q, q);
        TVector p = TLanes.Broadcast(2.326819970068386e-2f);
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(-1.387039388740657e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(3.687424674597105e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(-5.824733027278666e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(6.210004621745983e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(-4.944515323274145e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(3.404879937665872e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(-2.741127028184656e-1f));
        p = TLanes.MultiplyAdd(p, y, TLanes.Broadcast(5.638259427386472e-1f));
        TVector r = TLanes.Broadcast(-1.047766399936249e+1f);
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(1.297719955372516e+1f));
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(-7.495518717768503f));
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(2.921019019210786f));
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(-1.015265279202700f));
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(4.218463358204948e-1f));
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(-2.820767439740514e-1f));
        r = TLanes.MultiplyAdd(r, y, TLanes.Broadcast(5.641895067754075e-1f));
        TVector tail = TLanes.Multiply(half, TLanes.Multiply(TLanes.Multiply(bell, q), TLanes.Select(TLanes.GreaterThan(TLanes.Broadcast(2), a), p, r)));
        TVector far = TLanes.Select(negative, tail, TLanes.Subtract(one, tail));
        return TLanes.Select(TLanes.GreaterThan(one, a), near, far);
    }
}

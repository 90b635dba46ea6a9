namespace GpuConv.Kernels;

/// <summary>x for positive x, slope * x otherwise; the derivative at 0 is the slope, as in PyTorch. NaN stays NaN.</summary>
internal readonly struct LeakyReluFunction(float slope) : IActivation
{
    // With a slope of 0 or less y does not tell the side.
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Select(TSimd.GreaterThan(x, default), x, TSimd.Multiply(TSimd.Broadcast(slope), x));

    public TVector Backward<TSimd, TVector>(TVector x, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Select(TSimd.GreaterThan(x, default), dy, TSimd.Multiply(TSimd.Broadcast(slope), dy));
}

namespace GpuConv.Kernels;

/// <summary>max(0, x), through which only positive values come back, and only where it passed one: <see cref="ReluRule.Guided"/>.</summary>
internal readonly struct GuidedReluFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        default(ReluFunction).Forward<TSimd, TVector>(x);

    public TVector Backward<TSimd, TVector>(TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        default(ReluFunction).Backward<TSimd, TVector>(y, default(ReluFunction).Forward<TSimd, TVector>(dy));
}

namespace GpuConv.Kernels;

/// <summary>max(0, x), through which only positive values come back, and only where it passed one: <see cref="ReluRule.Guided"/>.</summary>
internal readonly struct GuidedReluFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        default(ReluFunction).Forward<TLanes, TVector>(x);

    public TVector Backward<TLanes, TVector>(TVector y, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        default(ReluFunction).Backward<TLanes, TVector>(y, default(ReluFunction).Forward<TLanes, TVector>(dy));
}

namespace GpuConv.Kernels;

/// <summary>max(0, x), with derivative 0 at 0 as in PyTorch. NaN stays NaN.</summary>
internal readonly struct ReluFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Select(TLanes.GreaterThan(default, x), default, x);

    public TVector Backward<TLanes, TVector>(TVector y, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Select(TLanes.GreaterThan(y, default), dy, default);
}

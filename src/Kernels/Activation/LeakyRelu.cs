namespace GpuConv.Kernels;

/// <summary>x for positive x, slope * x otherwise; the derivative at 0 is the slope, as in PyTorch. NaN stays NaN.</summary>
internal readonly struct LeakyReluFunction(float slope) : IActivation
{
    // With a slope of 0 or less y does not tell the side.
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Select(TLanes.GreaterThan(x, default), x, TLanes.Multiply(TLanes.Broadcast(slope), x));

    public TVector Backward<TLanes, TVector>(TVector x, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Select(TLanes.GreaterThan(x, default), dy, TLanes.Multiply(TLanes.Broadcast(slope), dy));
}

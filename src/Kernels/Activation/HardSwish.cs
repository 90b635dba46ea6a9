namespace GpuConv.Kernels;

/// <summary>x min(max(x + 3, 0), 6) / 6; its derivative is 0 below -3, 1 above 3, and (2 x + 3) / 6 from one to the other, as in PyTorch. Howard et al. 2019, arXiv 1905.02244, section 5.2.</summary>
internal readonly struct HardSwishFunction : IActivation
{
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector cut = TLanes.Min(TLanes.Max(TLanes.Add(x, TLanes.Broadcast(3)), default), TLanes.Broadcast(6));
        return TLanes.Divide(TLanes.Multiply(x, cut), TLanes.Broadcast(6));
    }

    public TVector Backward<TLanes, TVector>(TVector x, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector slope = TLanes.Divide(TLanes.MultiplyAdd(TLanes.Broadcast(2), x, TLanes.Broadcast(3)), TLanes.Broadcast(6));
        slope = TLanes.Select(TLanes.GreaterThan(x, TLanes.Broadcast(3)), TLanes.Broadcast(1), slope);
        return TLanes.Multiply(dy, TLanes.Select(TLanes.GreaterThan(TLanes.Broadcast(-3), x), default, slope));
    }
}

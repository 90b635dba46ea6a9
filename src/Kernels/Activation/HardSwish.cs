namespace GpuConv.Kernels;

/// <summary>x min(max(x + 3, 0), 6) / 6; its derivative is 0 below -3, 1 above 3, and (2 x + 3) / 6 from one to the other, as in PyTorch. Howard et al. 2019, arXiv 1905.02244, section 5.2.</summary>
internal readonly struct HardSwishFunction : IActivation
{
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector cut = TSimd.Min(TSimd.Max(TSimd.Add(x, TSimd.Broadcast(3)), default), TSimd.Broadcast(6));
        return TSimd.Divide(TSimd.Multiply(x, cut), TSimd.Broadcast(6));
    }

    public TVector Backward<TSimd, TVector>(TVector x, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector slope = TSimd.Divide(TSimd.MultiplyAdd(TSimd.Broadcast(2), x, TSimd.Broadcast(3)), TSimd.Broadcast(6));
        slope = TSimd.Select(TSimd.GreaterThan(x, TSimd.Broadcast(3)), TSimd.Broadcast(1), slope);
        return TSimd.Multiply(dy, TSimd.Select(TSimd.GreaterThan(TSimd.Broadcast(-3), x), default, slope));
    }
}

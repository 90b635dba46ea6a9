namespace GpuConv.Kernels;

/// <summary>x s(x), where s is the logistic function; its derivative is s (1 + x (1 - s)). Elfwing, Uchibe and Doya 2018, arXiv 1702.03118, equations 4 and 5; also called swish.</summary>
internal readonly struct SiluFunction : IActivation
{
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Multiply(x, SimdMath.Sigmoid<TLanes, TVector>(x));

    public TVector Backward<TLanes, TVector>(TVector x, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct
    {
        TVector s = SimdMath.Sigmoid<TLanes, TVector>(x), one = TLanes.Broadcast(1);
        return TLanes.Multiply(dy, TLanes.Multiply(s, TLanes.MultiplyAdd(x, TLanes.Subtract(one, s), one)));
    }
}

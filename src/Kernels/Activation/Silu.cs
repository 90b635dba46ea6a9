namespace GpuConv.Kernels;

/// <summary>x s(x), where s is the logistic function; its derivative is s (1 + x (1 - s)). Elfwing, Uchibe and Doya 2018, arXiv 1702.03118, equations 4 and 5; also called swish.</summary>
internal readonly struct SiluFunction : IActivation
{
    public static bool DerivativeFromOutput => false;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Multiply(x, SimdMath.Sigmoid<TSimd, TVector>(x));

    public TVector Backward<TSimd, TVector>(TVector x, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector s = SimdMath.Sigmoid<TSimd, TVector>(x), one = TSimd.Broadcast(1);
        return TSimd.Multiply(dy, TSimd.Multiply(s, TSimd.MultiplyAdd(x, TSimd.Subtract(one, s), one)));
    }
}

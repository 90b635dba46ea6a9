namespace GpuConv.Kernels;

/// <summary>max(0, x), with derivative 0 at 0 as in PyTorch. NaN stays NaN.</summary>
internal readonly struct ReluFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Select(TSimd.GreaterThan(default, x), default, x);

    public TVector Backward<TSimd, TVector>(TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Select(TSimd.GreaterThan(y, default), dy, default);
}

namespace GpuConv.Kernels;

/// <summary>max(0, x), through which all positive values come back: <see cref="ReluRule.Deconvolution"/>.</summary>
internal readonly struct DeconvolutionReluFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        default(ReluFunction).Forward<TSimd, TVector>(x);

    public TVector Backward<TSimd, TVector>(TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        default(ReluFunction).Forward<TSimd, TVector>(dy);
}

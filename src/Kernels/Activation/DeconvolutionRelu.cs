namespace GpuConv.Kernels;

/// <summary>max(0, x), through which all positive values come back: <see cref="ReluRule.Deconvolution"/>.</summary>
internal readonly struct DeconvolutionReluFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        default(ReluFunction).Forward<TLanes, TVector>(x);

    public TVector Backward<TLanes, TVector>(TVector y, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        default(ReluFunction).Forward<TLanes, TVector>(dy);
}

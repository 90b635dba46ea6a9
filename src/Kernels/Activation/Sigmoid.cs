namespace GpuConv.Kernels;

/// <summary>The logistic function 1 / (1 + e^-x); its derivative is y (1 - y).</summary>
internal readonly struct SigmoidFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        SimdMath.Sigmoid<TSimd, TVector>(x);

    public TVector Backward<TSimd, TVector>(TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Multiply(dy, TSimd.Multiply(y, TSimd.Subtract(TSimd.Broadcast(1), y)));
}

namespace GpuConv.Kernels;

/// <summary>The logistic function 1 / (1 + e^-x); its derivative is y (1 - y).</summary>
internal readonly struct SigmoidFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        SimdMath.Sigmoid<TLanes, TVector>(x);

    public TVector Backward<TLanes, TVector>(TVector y, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Multiply(dy, TLanes.Multiply(y, TLanes.Subtract(TLanes.Broadcast(1), y)));
}

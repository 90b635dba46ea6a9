namespace GpuConv.Kernels;

/// <summary>The hyperbolic tangent; its derivative is 1 - y^2.</summary>
internal readonly struct TanhFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    // ILGPU's own is (e^2x - 1) / (e^2x + 1) on CUDA, which loses all digits near 0 and is NaN from 45 on. This one is SimdMath.Tanh.
    public TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        SimdMath.Tanh<TLanes, TVector>(x);

    public TVector Backward<TLanes, TVector>(TVector y, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct =>
        TLanes.Multiply(dy, TLanes.Subtract(TLanes.Broadcast(1), TLanes.Multiply(y, y)));
}

namespace GpuConv.Kernels;

/// <summary>The hyperbolic tangent; its derivative is 1 - y^2.</summary>
internal readonly struct TanhFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    // ILGPU's own is (e^2x - 1) / (e^2x + 1) on CUDA, which loses all digits near 0 and is NaN from 45 on. This one is SimdMath.Tanh.
    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        SimdMath.Tanh<TSimd, TVector>(x);

    public TVector Backward<TSimd, TVector>(TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Multiply(dy, TSimd.Subtract(TSimd.Broadcast(1), TSimd.Multiply(y, y)));
}

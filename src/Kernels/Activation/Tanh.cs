using ILGPU.Algorithms;

namespace GpuConv.Kernels;

/// <summary>The hyperbolic tangent; its derivative is 1 - y^2.</summary>
internal readonly struct TanhFunction : IActivation
{
    public static bool DerivativeFromOutput => true;

    // ILGPU's own is (e^2x - 1) / (e^2x + 1) on CUDA, which loses all digits near 0 and is NaN from 45 on. This one is SimdMath.Tanh.
    public float Forward(float x)
    {
        float magnitude = x < 0 ? -x : x;
        if (magnitude > 0.625f)
        {
            float t = 1 - 2 / (XMath.Exp(2 * magnitude) + 1);
            return x < 0 ? -t : t;
        }
        float z = x * x;
        float p = ((((-5.70498872745e-3f * z + 2.06390887954e-2f) * z - 5.37397155531e-2f) * z + 1.33314422036e-1f) * z - 3.33332819422e-1f) * z;
        return p * x + x;
    }

    public float Backward(float y, float dy) => dy * (1 - y * y);

    public TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        SimdMath.Tanh<TSimd, TVector>(x);

    public TVector Backward<TSimd, TVector>(TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        TSimd.Multiply(dy, TSimd.Subtract(TSimd.Broadcast(1), TSimd.Multiply(y, y)));
}

namespace GpuConv.Kernels;

/// <summary>
/// An elementwise function with its derivative, as a GPU kernel computes it (one element) and as a CPU kernel does (one vector).
/// </summary>
internal interface IActivation
{
    /// <summary>f(x).</summary>
    float Forward(float x);

    /// <summary>The gradient dL/dx = dL/dy * f'(x), from x or y = f(x), whichever is simpler.</summary>
    float Backward(float x, float y, float dy);

    /// <summary>f of each lane.</summary>
    TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;

    /// <summary>The gradient of each lane.</summary>
    TVector Backward<TSimd, TVector>(TVector x, TVector y, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;
}

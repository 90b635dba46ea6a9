namespace GpuConv.Kernels;

/// <summary>
/// An elementwise function with its derivative, as a GPU kernel computes it (one element) and as a CPU kernel does (one vector).
/// </summary>
internal interface IActivation
{
    /// <summary>f(x).</summary>
    float Forward(float x);

    /// <summary>Whether the derivative is had from y = f(x), else from x. Only that one is read in the backward pass.</summary>
    static abstract bool DerivativeFromOutput { get; }

    /// <summary>The gradient dL/dx = dL/dy * f'(x).</summary>
    /// <param name="source">y or x, as <see cref="DerivativeFromOutput"/> says.</param>
    /// <param name="dy">dL/dy.</param>
    float Backward(float source, float dy);

    /// <summary>f of each lane.</summary>
    TVector Forward<TSimd, TVector>(TVector x)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;

    /// <summary>The gradient of each lane.</summary>
    TVector Backward<TSimd, TVector>(TVector source, TVector dy)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;
}

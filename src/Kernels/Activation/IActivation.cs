namespace GpuConv.Kernels;

/// <summary>An elementwise function with its derivative, for vectors, of which a GPU's lane is one.</summary>
internal interface IActivation
{
    /// <summary>Whether the derivative is had from y = f(x), else from x. Only that one is read in the backward pass.</summary>
    static abstract bool DerivativeFromOutput { get; }

    /// <summary>f(x) of each lane.</summary>
    TVector Forward<TLanes, TVector>(TVector x)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct;

    /// <summary>The gradient dL/dx = dL/dy * f'(x) of each lane.</summary>
    /// <param name="source">y or x, as <see cref="DerivativeFromOutput"/> says.</param>
    /// <param name="dy">dL/dy.</param>
    TVector Backward<TLanes, TVector>(TVector source, TVector dy)
        where TLanes : struct, ILanes<TVector>
        where TVector : struct;
}

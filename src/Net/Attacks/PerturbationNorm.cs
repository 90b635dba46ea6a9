namespace GpuConv.Net;

/// <summary>How the size of a perturbation is measured.</summary>
public enum PerturbationNorm
{
    /// <summary>The largest change of a pixel.</summary>
    Linf,

    /// <summary>The Euclidean length of the change.</summary>
    L2,

    /// <summary>The number of elements that change.</summary>
    L0,
}

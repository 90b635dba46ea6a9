namespace GpuConv.Kernels;

/// <summary>The parameters of stochastic gradient descent, with PyTorch's meanings and defaults (its dampening is 0 here).</summary>
public sealed record SgdOptions
{
    /// <summary>The factor by which the velocity decays each step; 0: no momentum, and no velocity is kept.</summary>
    public float Momentum { get; init; }

    /// <summary>Whether the step looks one velocity ahead (Nesterov). Needs momentum.</summary>
    public bool Nesterov { get; init; }

    /// <summary>The factor of the weights that is added to their gradient (L2 regularisation).</summary>
    public float WeightDecay { get; init; }
}

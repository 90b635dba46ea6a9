namespace GpuConv.Net;

/// <summary>What a plan is for.</summary>
public enum PlanPurpose
{
    /// <summary>Forward pass with batch statistics and dropout, gradients to the parameters.</summary>
    Train,

    /// <summary>Forward pass with fixed statistics.</summary>
    Infer,

    /// <summary>Forward pass with fixed statistics, gradient to the network's input only: attributions and attacks.</summary>
    InputGradient,
}

namespace GpuConv.Net;

/// <summary>What a layer is in a network: what summaries count it as, drawings show it as, and studies look for.</summary>
public enum LayerRole
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>It has filters that are moved over maps.</summary>
    Convolution,

    /// <summary>Each output is a weighted sum of all inputs.</summary>
    Linear,

    /// <summary>It brings values to a common mean and deviation, and scales and shifts them.</summary>
    Normalization,

    /// <summary>A function of each element by itself.</summary>
    Activation,

    /// <summary>It makes maps smaller or larger, channel by channel.</summary>
    Pooling,

    /// <summary>It brings several layers' outputs together.</summary>
    Join,

    /// <summary>The same values in another shape.</summary>
    Reshape,

    /// <summary>It changes something in training only.</summary>
    Regularization,

    /// <summary>It makes probabilities, or their logarithms, of scores: the loss takes it along.</summary>
    Softmax,
}

/// <summary>How layer-wise relevance goes back through a layer.</summary>
public enum RelevanceRule
{
    /// <summary>It is shared out among the inputs by what they contribute to the sum that the output is: <see cref="Kernels.EpsilonRule"/>.</summary>
    SharedOut,

    /// <summary>It goes where the gradient goes, unchanged: to the winner of a maximum, through a ReLU.</summary>
    PassedOn,
}

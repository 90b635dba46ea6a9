namespace GpuConv.Kernels;

/// <summary>The parameters of Adam and AdamW, with PyTorch's meanings and, but for AdamW's weight decay, its defaults.</summary>
public sealed record AdamOptions
{
    /// <summary>The factor by which the mean of the gradients decays each step.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>The factor by which the mean of their squares decays each step.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Added to the denominator, against division by zero.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>Adam: the factor of the weights that is added to their gradient. AdamW: the share of the weights, times the learning rate, taken off each step.</summary>
    public float WeightDecay { get; init; }

    /// <summary>Whether weight decay is apart from the gradient: AdamW.</summary>
    public bool Decoupled { get; init; }
}

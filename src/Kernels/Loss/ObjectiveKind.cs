namespace GpuConv.Kernels;

/// <summary>What an attack or an attribution follows: a number for each row of scores z with label y.</summary>
public enum ObjectiveKind
{
    /// <summary>The cross-entropy log(sum of e^z) - z[y]: large where the label is improbable.</summary>
    CrossEntropy,

    /// <summary>The score z[y] itself.</summary>
    Logit,

    /// <summary>The label's probability e^z[y] / sum of e^z.</summary>
    Probability,

    /// <summary>The largest other score minus z[y], positive where another class wins (Carlini and Wagner 2017, arXiv 1608.04644, f6 without its bound).</summary>
    Margin,

    /// <summary>
    /// The margin divided by the largest score's lead over the third largest: the difference-of-logits ratio (Croce and Hein 2020, arXiv 2003.01690, equation 6),
    /// which no scaling of the scores changes. Needs three classes.
    /// </summary>
    LogitRatio,
}

namespace GpuConv.Kernels;

/// <summary>How what comes back through a ReLU y = max(0, x) is carried on. The forward pass is the same under every rule.</summary>
public enum ReluRule
{
    /// <summary>The gradient: dx = dy where y is positive, else 0.</summary>
    Gradient,

    /// <summary>Guided backpropagation (Springenberg et al. 2014, arXiv 1412.6806, section 3.4): dx = dy where y and dy are positive, else 0.</summary>
    Guided,

    /// <summary>The deconvolutional network (Zeiler and Fergus 2014, arXiv 1311.2901, section 2.1): dx = max(0, dy), whatever y is.</summary>
    Deconvolution,
}

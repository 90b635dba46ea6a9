using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>How a parameter starts.</summary>
public enum Initialization
{
    /// <summary>All zeros: biases, shifts, running means.</summary>
    Zeros,

    /// <summary>All ones: scales, running variances.</summary>
    Ones,

    /// <summary>Uniform in ±sqrt(6 / fan-in), variance 2 / fan-in: He et al., Delving Deep into Rectifiers, 2015 (arXiv 1502.01852), section 2.2.</summary>
    He,
}

/// <summary>A parameter that a layer has.</summary>
/// <param name="Name">In a layer's declaration the part after the layer's name (<c>weight</c>), in a network the whole (<c>conv1.weight</c>); PyTorch's names.</param>
/// <param name="Shape">Its shape, as in PyTorch.</param>
/// <param name="Initialization">How it starts.</param>
/// <param name="FanIn">Inputs of one output, for He's initialisation; 0 where it does not matter.</param>
/// <param name="IsTrainable">Whether the optimiser changes it; running statistics are not.</param>
public sealed record Parameter(string Name, Shape Shape, Initialization Initialization, int FanIn = 0, bool IsTrainable = true);

namespace GpuConv.Kernels;

/// <summary>How the products of convolutions and matrices are computed.</summary>
public enum MathMode
{
    /// <summary>Factors and sums in float32.</summary>
    Fp32,

    /// <summary>
    /// Factors rounded to TF32, eleven significant bits, sums in float32, on tensor cores: CUDA of compute capability 8.0 or later. Products not
    /// computed in tiles (a first layer with one channel, groups of few channels) stay float32.
    /// </summary>
    Tf32,
}

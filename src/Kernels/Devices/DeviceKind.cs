namespace GpuConv.Kernels;

/// <summary>What a <see cref="Device"/> runs kernels on.</summary>
public enum DeviceKind
{
    /// <summary>ILGPU's CPU accelerator, its memory worked on by SIMD kernels on a team of threads.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU.</summary>
    Cuda,

    /// <summary>An OpenCL device.</summary>
    OpenCL,

    /// <summary>ILGPU's simulated GPU: the GPU kernels on the CPU, slowly, for tests.</summary>
    Simulated,
}

using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>
/// How many of a multiprocessor's warps can be at work at once, by what each group takes of its registers, shared memory and slots.
/// Source: CUDA C++ Programming Guide, technical specifications by compute capability, and the rounding of NVIDIA's occupancy calculator.
/// </summary>
internal sealed record Occupancy(int Warps, int Groups, int SharedBytes, int SharedUnit, int SharedReserved)
{
    private const int WarpSize = 32, Registers = 65536, RegisterUnit = 256, WarpUnit = 4, LargestGroup = 1024;

    /// <summary>The limits of a multiprocessor of an architecture.</summary>
    public static Occupancy Of(CudaArchitecture architecture) => architecture switch
    {
        _ when architecture == CudaArchitecture.SM_75 => new Occupancy(32, 16, 64 << 10, 256, 0),
        _ when architecture == CudaArchitecture.SM_80 => new Occupancy(64, 32, 164 << 10, 128, 1 << 10),
        _ when architecture == CudaArchitecture.SM_90 => new Occupancy(64, 32, 228 << 10, 128, 1 << 10),
        _ => throw new ArgumentException($"The limits of {architecture} are not known here."),
    };

    /// <summary>The share of the multiprocessor's warps that groups of so many threads fill; 0: such a group cannot run.</summary>
    /// <param name="threads">Threads of a group; 0: as many as fill most, which is what ILGPU asks the driver for.</param>
    /// <param name="registers">Registers of a thread.</param>
    /// <param name="sharedBytes">Shared memory of a group.</param>
    public double Share(int threads, int registers, int sharedBytes)
    {
        if (threads == 0) return Enumerable.Range(1, LargestGroup / WarpSize).Max(warps => Share(warps * WarpSize, registers, sharedBytes));
        int warpsOfGroup = (threads + WarpSize - 1) / WarpSize;
        int warpsByRegisters = Registers / RoundUp(Math.Max(1, registers) * WarpSize, RegisterUnit) / WarpUnit * WarpUnit;
        int groups = Math.Min(Math.Min(Groups, Warps / warpsOfGroup), warpsByRegisters / warpsOfGroup);
        int shared = RoundUp(sharedBytes + SharedReserved, SharedUnit);
        if (shared > 0) groups = Math.Min(groups, SharedBytes / shared);
        return (double)groups * warpsOfGroup / Warps;
    }

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}

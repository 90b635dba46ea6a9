using System.Runtime.InteropServices;

namespace GpuConv.Kernels;

/// <summary>
/// The body of a GPU kernel, run as it stands over the CPU accelerator's memory, its indices shared out among the threads: for kernels that cost little beside the network that
/// they serve, so that their logic stands once.
/// </summary>
internal static class HostIndices
{
    /// <summary>Runs all indices.</summary>
    /// <param name="device">The CPU.</param>
    /// <param name="count">How many indices.</param>
    /// <param name="block">So many are one thread's at a time.</param>
    /// <param name="range">Runs the indices from the first number up to, not including, the second.</param>
    public static void Run(Device device, int count, int block, Action<int, int> range)
    {
        var handle = GCHandle.Alloc(range);
        try
        {
            device.Host.Run(new Kernel(GCHandle.ToIntPtr(handle), count, block), (count + block - 1) / block);
        }
        finally
        {
            handle.Free();
        }
    }

    // One item owns one block.
    private readonly struct Kernel(nint range, int count, int block) : IHostKernel
    {
        public unsafe void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            ((Action<int, int>)GCHandle.FromIntPtr(range).Target!)(item * block, Math.Min((item + 1) * block, count));
    }
}

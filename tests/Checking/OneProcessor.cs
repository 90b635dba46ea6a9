using System.Globalization;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using Device = GpuConv.Kernels.Device;

namespace GpuConv.Tests;

/// <summary>
/// Keeps ILGPU's lanes on one processor, where the system is Linux; elsewhere nothing changes. Threads that wait for each other by spinning, more of them than processors, finish no sooner on all of
/// them: on one, the simulated GPU's tests take as long and leave the other to the tests beside them.
/// </summary>
internal static partial class OneProcessor
{
    private const int MaskBytes = 128;

    /// <summary>Moves the lanes of a simulated GPU to the first processor that this process may use.</summary>
    public static void ForLanesOf(Device device)
    {
        // They start with its first kernel.
        device.Accelerator.LoadKernel<int>(Nothing)(device.Accelerator.DefaultStream, new KernelConfig(1, device.Accelerator.MaxNumThreadsPerGroup), 0);
        device.Accelerator.Synchronize();
        byte[] allowed = new byte[MaskBytes];
        if (!OperatingSystem.IsLinux() || GetAffinity(0, MaskBytes, allowed) != 0) return;
        byte[] one = new byte[MaskBytes];
        int first = Array.FindIndex(allowed, b => b != 0);
        one[first] = (byte)(allowed[first] & -allowed[first]);
        foreach (string thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            string name = "";
            try
            {
                name = File.ReadAllText(Path.Combine(thread, "comm"));
            }
            catch (IOException)
            {
                // Others' threads end meanwhile.
            }
            if (name.StartsWith("ILGPU_", StringComparison.Ordinal) && name.Contains("_CPU_", StringComparison.Ordinal)) SetAffinity(int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), MaskBytes, one);
        }
    }

    private static void Nothing(int value)
    {
    }

    [LibraryImport("libc", EntryPoint = "sched_getaffinity")]
    private static partial int GetAffinity(int thread, nuint size, byte[] mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nuint size, byte[] mask);
}

using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace GpuConv.Kernels;

/// <summary>An accelerator that was found, or a back end that cannot be used.</summary>
/// <param name="Device">Its name for <see cref="Device.Open"/>.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The processor's name.</param>
/// <param name="MemoryBytes">Its memory in bytes.</param>
/// <param name="ComputeUnits">Multiprocessors, compute units or processors.</param>
/// <param name="IsUsable">Whether it can be opened.</param>
/// <param name="IsAuto">Whether <c>auto</c> takes it.</param>
/// <param name="Reason">Why it cannot be used, else null.</param>
public sealed record DeviceEntry(string Device, DeviceKind Kind, string Name, long MemoryBytes, int ComputeUnits, bool IsUsable, bool IsAuto, string? Reason);

/// <summary>Finds the accelerators of this machine.</summary>
public static class DeviceCatalog
{
    /// <summary>All accelerators, and a line with the reason for each back end that cannot be used.</summary>
    public static IReadOnlyList<DeviceEntry> List()
    {
        List<DeviceEntry> entries = [.. Probe(DeviceKind.Cuda), .. Probe(DeviceKind.OpenCL), Cpu(), Simulated()];
        int auto = entries.FindIndex(e => e.IsUsable && e.IsAuto);
        entries = [.. entries.Select(e => e with { IsAuto = false })];
        entries[auto] = entries[auto] with { IsAuto = true };
        return entries;
    }

    /// <summary>The first OpenCL device that is a GPU; one past the last if none is.</summary>
    internal static int FirstGpu(Context context)
    {
        int index = 0;
        foreach (CLDevice device in context.GetCLDevices())
        {
            if (IsGpu(device)) break;
            index++;
        }
        return index;
    }

    private static bool IsGpu(CLDevice device) => (device.DeviceType & CLDeviceType.CL_DEVICE_TYPE_GPU) != 0;

    private static DeviceEntry Cpu() => new("cpu", DeviceKind.Cpu, Device.ProcessorName(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Environment.ProcessorCount, true, true, null);

    private static DeviceEntry Simulated() => new("simulated", DeviceKind.Simulated, "simulated GPU (for tests, slow)", GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, 1, true, false, null);

    private static List<DeviceEntry> Probe(DeviceKind kind)
    {
        string name = kind == DeviceKind.Cuda ? "cuda" : "opencl";
        try
        {
            using Context context = Context.Create(b => _ = kind == DeviceKind.Cuda ? b.Cuda() : b.OpenCL());
            ILGPU.Runtime.Device[] found = kind == DeviceKind.Cuda ? [.. context.GetCudaDevices()] : [.. context.GetCLDevices()];
            return found.Length > 0
                ? [.. found.Select((d, i) => new DeviceEntry(i == 0 ? name : $"{name}:{i}", kind, d.Name, d.MemorySize, d.NumMultiprocessors, true, d is not CLDevice cl || IsGpu(cl), null))]
                : [Unusable(kind == DeviceKind.Cuda
                    ? "no NVIDIA driver or no GPU"
                    : "no OpenCL loader (libOpenCL.so), or no device with OpenCL 2.0's generic address space")];
        }
        catch (Exception e)
        {
            return [Unusable(e.GetBaseException().Message)];
        }

        DeviceEntry Unusable(string reason) => new(name, kind, "", 0, 0, false, false, reason);
    }
}

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

    /// <summary>Whether the device is a GPU: OpenCL has drivers for processors too, which <c>auto</c> leaves alone.</summary>
    internal static bool IsGpu(ILGPU.Runtime.Device device) => device is not CLDevice cl || (cl.DeviceType & CLDeviceType.CL_DEVICE_TYPE_GPU) != 0;

    private static DeviceEntry Cpu() => new("cpu", DeviceKind.Cpu, Device.ProcessorName(), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, Environment.ProcessorCount, true, true, null);

    private static DeviceEntry Simulated() => new("simulated", DeviceKind.Simulated, "simulated GPU (for tests, slow)", GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, 1, true, false, null);

    // Numbers count the usable devices, as Device.Open does.
    private static List<DeviceEntry> Probe(DeviceKind kind)
    {
        string name = kind == DeviceKind.Cuda ? "cuda" : "opencl";
        List<DeviceEntry> entries = [];
        int usable = 0;
        foreach (FoundGpu gpu in FoundGpu.Find(kind))
        {
            entries.Add(gpu.Device is { } d
                ? new(usable == 0 ? name : $"{name}:{usable}", kind, gpu.Name, d.MemorySize, d.NumMultiprocessors, true, IsGpu(d), null)
                : new(name, kind, gpu.Name, 0, 0, false, false, gpu.NamedReason));
            if (gpu.Device is not null) usable++;
        }
        return entries;
    }
}

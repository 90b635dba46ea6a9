namespace GpuConv.Kernels;

/// <summary>A GPU's device that was found, or the reason why there is none.</summary>
/// <param name="Device">ILGPU's device; null if it cannot be used.</param>
/// <param name="Name">The device's name; empty if the reason is not one device's.</param>
/// <param name="Reason">Why it cannot be used, and what to do; empty if it can.</param>
internal sealed record FoundGpu(ILGPU.Runtime.Device? Device, string Name, string Reason)
{
    /// <summary>Looks for the devices of CUDA or OpenCL, usable or not: at least one entry, and never an exception.</summary>
    public static IReadOnlyList<FoundGpu> Find(DeviceKind kind)
    {
        try
        {
            return kind == DeviceKind.Cuda ? CudaSearch.Find() : OpenCLSearch.Find();
        }
        catch (Exception e)
        {
            // A foreign library may fail in any way.
            return [Unusable(e.GetBaseException().Message)];
        }
    }

    public static FoundGpu Unusable(string reason, string name = "") => new(null, name, reason);

    /// <summary>The reason with the device's name.</summary>
    public string NamedReason => Name.Length > 0 ? $"{Name}: {Reason}" : Reason;
}

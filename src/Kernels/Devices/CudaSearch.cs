using System.Runtime.InteropServices;
using ILGPU.Backends.PTX;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Kernels;

/// <summary>
/// Finds CUDA devices. ILGPU lists those that it can use and is silent on the rest; the driver itself, asked first, says why there are none.
/// </summary>
internal static class CudaSearch
{
    private const int StubLibrary = 34, NoDevice = 100, DriverMismatch = 803;

    public static IReadOnlyList<FoundGpu> Find()
    {
        if (!DriverLibrary.Cuda.TryLoad(out nint library)) return [FoundGpu.Unusable($"no NVIDIA driver: {DriverLibrary.Cuda.FileName} is not on this machine or cannot be loaded")];
        if (Failure(library, out int count) is { } reason) return [FoundGpu.Unusable(reason)];

        List<FoundGpu> found = [.. CudaDevice.GetDevices(_ => true).Cast<CudaDevice>().Select(Found)];
        // ILGPU stops at the first device that it cannot describe.
        if (found.Count < count)
            found.Add(FoundGpu.Unusable($"the driver lists {count} {(count == 1 ? "GPU" : "GPUs")}, of which ILGPU can read {found.Count}: those older than compute capability 3.0 are not supported"));
        return found;
    }

    private static FoundGpu Found(CudaDevice device) => device is { Architecture: not null, InstructionSet: { } set } && PTXCodeGenerator.SupportedInstructionSets.Contains(set)
        ? new(device, device.Name, "")
        : FoundGpu.Unusable($"its driver (CUDA {device.DriverVersion}) is too old for ILGPU: install a newer one", device.Name);

    // Why the driver has no devices, null if it has.
    private static unsafe string? Failure(nint library, out int count)
    {
        count = 0;
        string file = DriverLibrary.Cuda.FileName;
        if (!NativeLibrary.TryGetExport(library, "cuInit", out nint init) || !NativeLibrary.TryGetExport(library, "cuDeviceGetCount", out nint getCount))
            return $"{file} is not NVIDIA's driver: it lacks cuInit or cuDeviceGetCount";
        int error = ((delegate* unmanaged<uint, int>)init)(0);
        if (error == CudaDriver.Success)
        {
            int devices = 0;
            error = ((delegate* unmanaged<int*, int>)getCount)(&devices);
            count = devices;
            if (error == CudaDriver.Success && devices == 0) error = NoDevice;
        }
        return error switch
        {
            CudaDriver.Success => null,
            NoDevice => $"NVIDIA's driver is here but finds no GPU ({file}: CUDA_ERROR_NO_DEVICE)",
            StubLibrary => $"{file} is the CUDA toolkit's stub, not a driver: take its folder out of the library path",
            DriverMismatch => $"{file} and the kernel's NVIDIA module are of different versions, as after an update: restart the machine",
            _ => $"NVIDIA's driver does not start ({file}: {CudaDriver.ErrorName(library, error)}): nvidia-smi may say more",
        };
    }
}

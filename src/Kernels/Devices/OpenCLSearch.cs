using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Backends.OpenCL;
using ILGPU.Runtime.OpenCL;

namespace GpuConv.Kernels;

/// <summary>
/// Finds OpenCL devices, those that ILGPU cannot use with the reason. ILGPU's own search ends at the first device with a fault; this one
/// goes on to the next.
/// </summary>
internal static class OpenCLSearch
{
    private const int Success = 0, PlatformNotFound = -1001, MostDevices = 64;

    public static IReadOnlyList<FoundGpu> Find()
    {
        string file = DriverLibrary.OpenCL.FileName;
        if (!DriverLibrary.OpenCL.TryLoad(out nint library))
            return [FoundGpu.Unusable($"no OpenCL loader: {file} is not on this machine or cannot be loaded{(OperatingSystem.IsLinux() ? " (Debian, Ubuntu: ocl-icd-libopencl1)" : "")}")];
        if (Failure(library, file, out int count) is { } reason) return [FoundGpu.Unusable(reason)];

        var platforms = new nint[count];
        CLException.ThrowIfFailed(CLAPI.CurrentAPI.GetPlatforms(platforms, ref count));
        return [.. platforms.SelectMany(Devices)];
    }

    // Why the loader has no drivers, null if it has.
    private static unsafe string? Failure(nint library, string file, out int count)
    {
        int platforms = 0;
        count = 0;
        if (!NativeLibrary.TryGetExport(library, "clGetPlatformIDs", out nint get)) return $"{file} is not an OpenCL loader: it lacks clGetPlatformIDs";
        int error = ((delegate* unmanaged<uint, nint*, int*, int>)get)(0, null, &platforms);
        count = platforms;
        return error switch
        {
            Success when platforms > 0 => null,
            Success or PlatformNotFound => $"the OpenCL loader ({file}) is here but no driver: install the one for your GPU{(OperatingSystem.IsLinux() ? ", which enters itself in /etc/OpenCL/vendors" : "")}",
            _ => $"the OpenCL loader ({file}) does not start: clGetPlatformIDs fails with error {error}",
        };
    }

    private static IEnumerable<FoundGpu> Devices(nint platform)
    {
        var devices = new nint[MostDevices];
        CLError error = CLAPI.CurrentAPI.GetDevices(platform, CLDeviceType.CL_DEVICE_TYPE_ALL, devices, out int count);
        return error == CLError.CL_SUCCESS
            ? devices.Take(count).Select(device => Describe(platform, device))
            : [FoundGpu.Unusable(error == CLError.CL_DEVICE_NOT_FOUND ? "its driver finds no device" : $"its devices cannot be listed: {error}", Text(() => CLAPI.CurrentAPI.GetPlatformInfo(platform, CLPlatformInfoType.CL_PLATFORM_NAME)))];
    }

    private static FoundGpu Describe(nint platform, nint id)
    {
        string name = Text(() => CLAPI.CurrentAPI.GetDeviceInfo(id, CLDeviceInfoType.CL_DEVICE_NAME));
        try
        {
            if (CLAPI.CurrentAPI.GetDeviceInfo<int>(id, CLDeviceInfoType.CL_DEVICE_AVAILABLE) == 0) return FoundGpu.Unusable("its driver says that it is not available", name);
            var device = new CLDevice(platform, id);
            if (device.CLStdVersion >= CLBackend.MinimumVersion && device.Capabilities.GenericAddressSpace) return new(device, device.Name, "");
            return FoundGpu.Unusable($"no generic address space, which ILGPU needs ({device.PlatformName}, OpenCL {device.DeviceVersion.Major}.{device.DeviceVersion.Minor}): try a newer driver", name);
        }
        catch (CLException e)
        {
            return FoundGpu.Unusable($"its driver does not describe it: {e.Message}", name);
        }
    }

    private static string Text(Func<string> get)
    {
        try
        {
            return get();
        }
        catch (CLException)
        {
            return "a device without a name";
        }
    }
}

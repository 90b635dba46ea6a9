using System.Runtime.InteropServices;
using System.Runtime.Loader;
using ILGPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace GpuConv.Kernels;

/// <summary>
/// The library of a GPU's driver, by the names that it has on users' machines. On Linux ILGPU asks for <c>libOpenCL.so</c> and
/// <c>libcuda.so</c>, but only packages for developers install those; users have <c>libOpenCL.so.1</c> and <c>libcuda.so.1</c>.
/// </summary>
internal sealed class DriverLibrary
{
    private readonly string name;
    private readonly string[] linuxNames;

    static DriverLibrary()
    {
        // The runtime asks here after its own search has failed. Not NativeLibrary.SetDllImportResolver: an assembly takes one
        // only, and in Windows' subsystem for Linux ILGPU sets its own.
        AssemblyLoadContext.GetLoadContext(typeof(Context).Assembly)!.ResolvingUnmanagedDll += (_, wanted) =>
            Cuda.name == wanted ? Cuda.LoadByLinuxName() : OpenCL.name == wanted ? OpenCL.LoadByLinuxName() : 0;
    }

    private DriverLibrary(string windows, string elsewhere, params string[] linuxNames)
    {
        name = OperatingSystem.IsWindows() ? windows : elsewhere;
        this.linuxNames = OperatingSystem.IsLinux() ? linuxNames : [];
        FileName = OperatingSystem.IsWindows() ? $"{windows}.dll" : OperatingSystem.IsLinux() ? linuxNames[0] : $"lib{elsewhere}.dylib";
    }

    /// <summary>NVIDIA's driver; the second name is where Windows' subsystem for Linux keeps it.</summary>
    public static DriverLibrary Cuda { get; } = new(CudaAPI.LibNameWindows, CudaAPI.LibNameLinux, "libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1");

    /// <summary>OpenCL's loader, which knows the drivers of all makers.</summary>
    public static DriverLibrary OpenCL { get; } = new(CLAPI.LibNameWindows, CLAPI.LibNameLinux, "libOpenCL.so.1");

    /// <summary>The file's name as users know it.</summary>
    public string FileName { get; }

    /// <summary>Loads the very library that ILGPU's calls go to; false if there is none that can be loaded.</summary>
    public bool TryLoad(out nint library) => NativeLibrary.TryLoad(name, typeof(Context).Assembly, null, out library);

    private nint LoadByLinuxName()
    {
        foreach (string linuxName in linuxNames)
        {
            if (NativeLibrary.TryLoad(linuxName, out nint library)) return library;
        }
        return 0;
    }
}

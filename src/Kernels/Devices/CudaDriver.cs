using System.Runtime.InteropServices;

namespace GpuConv.Kernels;

/// <summary>Functions of NVIDIA's driver that ILGPU does not bind, in the very library that it calls.</summary>
internal static unsafe class CudaDriver
{
    public const int Success = 0;

    /// <summary>The address of a function.</summary>
    /// <exception cref="DeviceException">The driver does not have it.</exception>
    public static nint Function(string name) =>
        DriverLibrary.Cuda.TryLoad(out nint library) && NativeLibrary.TryGetExport(library, name, out nint function)
            ? function
            : throw new DeviceException($"{DriverLibrary.Cuda.FileName} lacks {name}: NVIDIA's driver is too old for this. Install a newer one.");

    /// <summary>The driver's name of an error, or its number.</summary>
    public static string ErrorName(nint library, int error)
    {
        byte* name = null;
        bool named = NativeLibrary.TryGetExport(library, "cuGetErrorName", out nint get) && ((delegate* unmanaged<int, byte**, int>)get)(error, &name) == Success && name != null;
        return named ? Marshal.PtrToStringUTF8((nint)name)! : $"error {error}";
    }

    /// <summary>Requires that a call succeeded.</summary>
    /// <param name="error">What it returned.</param>
    /// <param name="what">What could not be done otherwise.</param>
    /// <exception cref="DeviceException">It failed.</exception>
    public static void Require(int error, string what)
    {
        if (error == Success) return;
        DriverLibrary.Cuda.TryLoad(out nint library);
        throw new DeviceException($"NVIDIA's driver could not {what}: {ErrorName(library, error)}.");
    }
}

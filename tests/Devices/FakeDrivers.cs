using System.Diagnostics;
using System.Runtime.InteropServices;

namespace GpuConv.Tests;

/// <summary>
/// Drivers of CUDA and OpenCL that answer as a test wants, in a folder that the program's process finds first. They have the names that
/// users' machines have, <c>lib….so.1</c>, unless this machine has developers' names, which would be found before them.
/// </summary>
internal sealed class FakeDrivers : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public FakeDrivers()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("Fake drivers are made for Linux.");
        if (!HasCompiler()) Assert.Skip("There is no C compiler (cc) to build fake drivers with.");
    }

    /// <summary>Runs the program with these drivers.</summary>
    public GpuConvProgram.Output Run(params string[] arguments) => Run([], arguments);

    /// <summary>Runs the program with these drivers and environment variables.</summary>
    public GpuConvProgram.Output Run(Dictionary<string, string> environment, params string[] arguments) =>
        GpuConvProgram.RunAlone(new Dictionary<string, string>(environment) { ["LD_LIBRARY_PATH"] = folder.Path }, arguments);

    /// <summary>A CUDA driver that does all that is asked of it but run kernels: <c>fake-cuda.c</c>.</summary>
    public FakeDrivers CudaThatRunsNothing() => Build("libcuda.so", File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Devices", "fake-cuda.c")));

    /// <summary>A CUDA driver whose cuInit returns an error, and which lists some GPUs of which it tells nothing.</summary>
    public FakeDrivers Cuda(int error, int devices = 0) => Build("libcuda.so", $$"""
        int cuInit(unsigned flags) { return {{error}}; }
        int cuDeviceGetCount(int *count) { *count = {{devices}}; return 0; }
        int cuGetErrorName(int error, const char **name) { *name = "CUDA_ERROR_FAKE"; return error == 999 ? 0 : 1; }
        """);

    /// <summary>An OpenCL loader whose clGetPlatformIDs returns an error and lists some platforms, with these devices each.</summary>
    public FakeDrivers OpenCL(int error, int platforms, params FakeDevice[] devices) => Build("libOpenCL.so", $$"""
        #include <string.h>
        typedef struct { const char *name, *version; long generic, broken, gpu; } Device;
        static Device devices[] = { {{string.Concat(devices.Select(d => $$"""{ "{{d.Name}}", "OpenCL {{d.Version}} fake", {{(d.Generic ? 1 : 0)}}, {{(d.Broken ? 1 : 0)}}, {{(d.Gpu ? 1 : 0)}} }, """))}}{ 0 } };
        static int text(const char *value, unsigned long size, void *to, unsigned long *length) {
            if (to && size > strlen(value)) strcpy(to, value);
            if (length) *length = strlen(value) + 1;
            return 0;
        }
        int clGetPlatformIDs(unsigned room, void **to, unsigned *count) {
            if (count) *count = {{platforms}};
            for (unsigned i = 0; to && i < room && i < {{platforms}}; i++) to[i] = to;
            return {{error}};
        }
        int clGetPlatformInfo(void *p, unsigned what, unsigned long size, void *to, unsigned long *length) {
            return text(what == 0x901 ? "OpenCL 3.0 fake" : "Fake Platform", size, to, length);
        }
        int clGetDeviceIDs(void *p, unsigned long type, unsigned room, void **to, unsigned *count) {
            *count = {{devices.Length}};
            for (unsigned i = 0; i < room && i < {{devices.Length}}; i++) to[i] = &devices[i];
            return {{(devices.Length > 0 ? 0 : -1)}};
        }
        int clGetDeviceInfo(Device *d, unsigned what, unsigned long size, void *to, unsigned long *length) {
            if (what == 0x102B) return text(d->name, size, to, length);
            if (d->broken || what == 0x4003 || what == 0x4043) return -30;
            if (what == 0x102F || what == 0x103D) return text(d->version, size, to, length);
            if (what == 0x1030) return text("cl_khr_fp64", size, to, length);
            long value = what == 0x1000 ? (d->gpu ? 4 : 2) : what == 0x1069 ? d->generic : 8;
            for (unsigned long i = 0; i + sizeof value <= size && i < 32; i += sizeof value) memcpy((char *)to + i, &value, sizeof value);
            if (size == 4) memcpy(to, &value, 4);
            return 0;
        }
        void *clGetExtensionFunctionAddressForPlatform(void *p, const char *name) { return 0; }
        void *clCreateContext(void *a, unsigned b, void *c, void *d, void *e, int *error) { *error = -6; return 0; }
        """);

    /// <summary>A file in the place of a driver, with this text.</summary>
    public FakeDrivers Damaged(string library)
    {
        File.WriteAllText(folder[$"{library}.1"], "This is no library.");
        AddDevelopersName(library);
        return this;
    }

    public void Dispose() => folder.Dispose();

    private FakeDrivers Build(string library, string source)
    {
        File.WriteAllText(folder["driver.c"], source);
        using Process compiler = Process.Start("cc", ["-shared", "-fPIC", "-w", "-o", folder[$"{library}.1"], folder["driver.c"]]);
        compiler.WaitForExit();
        Assert.Equal(0, compiler.ExitCode);
        AddDevelopersName(library);
        return this;
    }

    private void AddDevelopersName(string library)
    {
        if (NativeLibrary.TryLoad(library, out _)) File.Copy(folder[$"{library}.1"], folder[library], overwrite: true);
    }

    private static bool HasCompiler()
    {
        try
        {
            using Process compiler = Process.Start(new ProcessStartInfo("cc", "--version") { RedirectStandardOutput = true, RedirectStandardError = true })!;
            compiler.WaitForExit();
            return compiler.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}

/// <summary>A device of a fake OpenCL driver: broken if it tells nothing but its name.</summary>
internal sealed record FakeDevice(string Name, string Version = "3.0", bool Generic = true, bool Broken = false, bool Gpu = true);

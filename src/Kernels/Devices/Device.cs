using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;
using ILGPU.Runtime.Cuda;
using ILGPU.Runtime.OpenCL;

namespace GpuConv.Kernels;

/// <summary>
/// A processor that runs kernels, with its memory and one queue of work in order. Kernels are started by one thread at a time.
/// </summary>
public sealed class Device : IDisposable
{
    private readonly Context context;
    private readonly HostTeam? host;
    private readonly Dictionary<MethodInfo, Delegate> launchers = [];
    private long allocatedBytes;

    private Device(DeviceKind kind, Context context, Accelerator accelerator, HostTeam? host)
    {
        Kind = kind;
        this.context = context;
        Accelerator = accelerator;
        this.host = host;
        // CUDA captures no graph on the stream that ILGPU takes by default, the driver's own.
        Stream = accelerator is CudaAccelerator cuda ? cuda.CreateStream(StreamFlags.CU_STREAM_DEFAULT) : accelerator.DefaultStream;
        Name = kind switch
        {
            DeviceKind.Cpu => ProcessorName(),
            DeviceKind.Simulated => "simulated GPU",
            _ => accelerator.Name,
        };
    }

    /// <summary>What the device is.</summary>
    public DeviceKind Kind { get; }

    /// <summary>The name of the processor.</summary>
    public string Name { get; }

    /// <summary>The number of threads that CPU kernels use; 0 on other devices.</summary>
    public int Threads => host?.Threads ?? 0;

    /// <summary>
    /// The width in bits of the vectors that CPU kernels use: 512, 256 or 128, 0 where the processor has none; 0 on other devices.
    /// The environment variable GPUCONV_SIMD forces another one than the processor's: slower, with the same results.
    /// </summary>
    public int SimdBits => host?.SimdBits ?? 0;

    /// <summary>The width in bits of this processor's vectors, as far as CPU kernels can use them.</summary>
    public static int ProcessorSimdBits => SimdWidth.OfProcessor;

    /// <summary>How products are computed on it.</summary>
    public MathMode MathMode { get; private set; }

    /// <summary>Bytes of device memory in use.</summary>
    public long AllocatedBytes => allocatedBytes;

    /// <summary>The largest number of bytes of device memory that were in use at once.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Where it is recorded what the device's time goes to; null: nowhere.</summary>
    public Profile? Profile
    {
        get;
        set
        {
            field = value;
            value?.Attach(this);
            if (host is not null) host.Profile = value;
        }
    }

    /// <summary>Whether CPU kernels run on this device, directly on its memory.</summary>
    internal bool IsHost => host is not null;

    /// <summary>The floats of a vector of CPU kernels: <see cref="ISimd{TVector}.Count"/>.</summary>
    internal int SimdFloats => SimdWidth.Floats(SimdBits);

    /// <summary>ILGPU's accelerator, for what this library has no operator for. Kernels of your own are loaded by <see cref="IndexKernel{T}"/>.</summary>
    public Accelerator Accelerator { get; }

    /// <summary>The queue of all work. What is launched elsewhere is not in order with it.</summary>
    public AcceleratorStream Stream { get; }

    /// <summary>What runs the GPU's kernels loaded from now on in place of the device; null: the device.</summary>
    internal IKernelRunner? Runner { get; set; }

    /// <summary>Whether it copies from global to shared memory past the registers: <see cref="AsyncCopy"/>.</summary>
    internal bool CopiesAsync { get; private init; }

    /// <summary>How many GPU kernels were launched.</summary>
    internal long Launches { get; set; }

    /// <summary>How often the calling thread waited for the device.</summary>
    internal long Waits { get; private set; }

    /// <summary>The team that runs CPU kernels.</summary>
    internal HostTeam Host => host ?? throw new InvalidOperationException($"{Name} does not run CPU kernels.");

    /// <summary>Opens a device.</summary>
    /// <param name="name"><c>auto</c> (the first CUDA device, else the first OpenCL GPU, else the CPU), <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>, <c>opencl</c>, <c>opencl:1</c> or <c>simulated</c>.</param>
    /// <param name="threads">The number of threads for CPU kernels; 0: one for each processor.</param>
    /// <param name="mathMode">How products are computed.</param>
    /// <exception cref="DeviceException">There is no such device, it cannot be used, or it has no such math.</exception>
    public static Device Open(string name = "auto", int threads = 0, MathMode mathMode = MathMode.Fp32)
    {
        Device device = OpenAny(name, threads);
        if (mathMode == MathMode.Fp32) return device;
        string found = device.Accelerator is CudaAccelerator { Architecture: var architecture } ? $"{device.Name} has {architecture.Major}.{architecture.Minor}" : $"'{name}' is {device.Name}, {device.Kind}";
        if (device.Accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaArchitecture.SM_80)
        {
            device.MathMode = mathMode;
            return device;
        }
        device.Dispose();
        throw new DeviceException($"TF32 needs tensor cores, a CUDA device of compute capability 8.0 or later: {found}. Take fp32, which runs everywhere.") { IsUnknownDevice = true };
    }

    private static Device OpenAny(string name, int threads)
    {
        if (threads is < 0 or > 1024) throw new DeviceException($"{threads} threads: give a number from 1 to 1024, or 0 for one for each processor.") { IsUnknownDevice = true };
        string[] parts = name.Split(':');
        int index = 0;
        bool wellFormed = parts.Length == 1 || (parts.Length == 2 && int.TryParse(parts[1], CultureInfo.InvariantCulture, out index) && index >= 0);
        return (wellFormed ? parts[0] : "") switch
        {
            "auto" when parts.Length == 1 => TryOpenGpu(DeviceKind.Cuda) ?? TryOpenGpu(DeviceKind.OpenCL) ?? OpenCpu(threads, SimdWidth.Choose()),
            "cpu" when parts.Length == 1 => OpenCpu(threads, SimdWidth.Choose()),
            "simulated" when parts.Length == 1 => OpenSimulated(),
            "cuda" => OpenGpu(DeviceKind.Cuda, index),
            "opencl" => OpenGpu(DeviceKind.OpenCL, index),
            _ => throw new DeviceException($"There is no device '{name}'. Known are auto, cpu, cuda[:N], opencl[:N] and simulated; 'devices' lists what is here.") { IsUnknownDevice = true },
        };
    }

    /// <summary>Waits until the device has done all work given to it.</summary>
    public void Synchronize()
    {
        if (IsHost) return;
        Waits++;
        Stream.Synchronize();
    }

    /// <summary>Frees the device. All arenas on it must have been freed before.</summary>
    public void Dispose()
    {
        host?.Dispose();
        if (Stream != Accelerator.DefaultStream) Stream.Dispose();
        Accelerator.Dispose();
        context.Dispose();
    }

    /// <summary>
    /// A kernel's launcher, loaded when it is first asked for. ILGPU itself keeps kernels as long as someone holds them, so that each new operator could compile its own again, which takes
    /// a fifth of a second and more.
    /// </summary>
    internal TLauncher Once<TLauncher>(Delegate kernel, Func<TLauncher> load) where TLauncher : Delegate
    {
        if (launchers.TryGetValue(kernel.Method, out Delegate? loaded)) return (TLauncher)loaded;
        TLauncher launcher = load();
        launchers.Add(kernel.Method, launcher);
        return launcher;
    }

    /// <summary>Counts a launch, whose size it returns.</summary>
    internal TSize Counted<TSize>(TSize size) where TSize : struct
    {
        Launches++;
        return size;
    }

    internal void CountAllocation(long bytes)
    {
        allocatedBytes += bytes;
        PeakBytes = Math.Max(PeakBytes, allocatedBytes);
    }

    /// <summary>Opens the CPU with vectors of a given width.</summary>
    /// <param name="threads">The number of threads; 0: one for each processor.</param>
    /// <param name="simdBits">One of <see cref="SimdWidth.All"/>.</param>
    internal static Device OpenCpu(int threads, int simdBits)
    {
        // The accelerator owns the memory; CPU kernels run on our own team, so that its simulation of lanes stays idle.
        Context context = Context.Create(b => b.CPU(new CPUDevice(2, 1, 1)));
        return new Device(DeviceKind.Cpu, context, context.GetCPUDevice(0).CreateAccelerator(context), new HostTeam(threads > 0 ? threads : Environment.ProcessorCount, simdBits));
    }

    /// <summary>Opens the simulated GPU, for tests with any math: what runs its kernels elsewhere may have tensor cores, and copies past the registers.</summary>
    // Warps of 32 as on NVIDIA; one multiprocessor with groups to 256, as each lane is a thread here and more only cost time.
    internal static Device OpenSimulated(MathMode mathMode = MathMode.Fp32, bool copiesAsync = false)
    {
        Context context = Context.Create(b => b.CPU(new CPUDevice(32, 8, 1)).EnableAlgorithms().Optimize(OptimizationLevel.O2));
        return new Device(DeviceKind.Simulated, context, context.GetCPUDevice(0).CreateAccelerator(context), null) { MathMode = mathMode, CopiesAsync = copiesAsync };
    }

    private static Device? TryOpenGpu(DeviceKind kind)
    {
        try
        {
            return OpenGpu(kind, null);
        }
        catch (DeviceException)
        {
            return null;
        }
    }

    // Without an index the first that is a GPU: an OpenCL driver for processors is no match for our own CPU kernels.
    private static Device OpenGpu(DeviceKind kind, int? wanted)
    {
        string backEnd = kind == DeviceKind.Cuda ? "CUDA" : "OpenCL";
        IReadOnlyList<FoundGpu> found = FoundGpu.Find(kind);
        ILGPU.Runtime.Device[] usable = [.. found.Select(f => f.Device).OfType<ILGPU.Runtime.Device>()];
        if (usable.Length == 0)
            throw new DeviceException($"{backEnd} cannot be used: {string.Join("; ", found.Select(f => f.NamedReason))}.") { IsUnknownDevice = true };
        int index = wanted ?? Array.FindIndex(usable, DeviceCatalog.IsGpu);
        if (index < 0 || index >= usable.Length)
            throw new DeviceException($"There is no {backEnd} device {index}: there {(usable.Length == 1 ? "is 1" : $"are {usable.Length}")}, numbered from 0. 'devices' lists what is here.") { IsUnknownDevice = true };

        Context context = Context.Create(b => b.EnableAlgorithms().Optimize(OptimizationLevel.O2));
        try
        {
            Accelerator accelerator = usable[index].CreateAccelerator(context);
            return new Device(kind, context, accelerator, null) { CopiesAsync = accelerator is CudaAccelerator cuda && cuda.Architecture >= CudaArchitecture.SM_80 };
        }
        catch (Exception e)
        {
            context.Dispose();
            throw new DeviceException($"{backEnd} device {index}, {usable[index].Name}, cannot be used: {e.GetBaseException().Message}", e) { IsUnknownDevice = true };
        }
    }

    internal static string ProcessorName()
    {
        const string info = "/proc/cpuinfo";
        string? line = File.Exists(info) ? File.ReadLines(info).FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
        return line?[(line.IndexOf(':') + 1)..].Trim() ?? $"{RuntimeInformation.ProcessArchitecture} processor";
    }
}

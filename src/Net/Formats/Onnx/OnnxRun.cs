using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>What a graph needs while it runs: the device's memory, within a limit, and the operators that many nodes share.</summary>
internal sealed class OnnxRun(Device device, long memoryLimit) : IDisposable
{
    private StridedCopy? copy;
    private Elementwise? elementwise;
    private IntegerArithmetic? integers;

    /// <summary>Where operators take their working memory.</summary>
    public DeviceArena Arena { get; } = new(device);

    public Device Device => device;

    public StridedCopy Copy => copy ??= new StridedCopy(device);

    public Elementwise Elementwise => elementwise ??= new Elementwise(device);

    public IntegerArithmetic Integers => integers ??= new IntegerArithmetic(device);

    /// <summary>Memory for as many elements as a shape has, all zeros, in one dimension. The sizes may come from a file that lies, so they are checked first.</summary>
    /// <exception cref="ModelFileException">It is more than the run may take.</exception>
    public unsafe Tensor<T> Allocate<T>(params int[] shape) where T : unmanaged
    {
        Int128 bytes = shape.Aggregate((Int128)sizeof(T), (product, size) => product * size);
        if (bytes + Arena.Bytes > memoryLimit)
            throw new ModelFileException($"The graph needs more than {memoryLimit / (1 << 20)} MB of memory: a value of {OnnxArray.TextOf(shape)} alone takes {(double)bytes / (1 << 20):n0} MB. Raise the limit with --memory if this is right.");
        return Arena.Allocate<T>(new Shape((int)(bytes / sizeof(T))));
    }

    public void Dispose() => Arena.Dispose();
}

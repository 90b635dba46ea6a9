namespace GpuConv.Kernels;

/// <summary>A graph of CUDA's driver (CUDA driver API, Graph Management): launches that were captured from the device's stream.</summary>
internal sealed unsafe class CudaGraph : IDisposable
{
    // Other threads may call the driver meanwhile: ILGPU's finalisers free memory whenever they run.
    private const int Relaxed = 2;

    private static readonly delegate* unmanaged<nint, int, int> BeginCapture = (delegate* unmanaged<nint, int, int>)CudaDriver.Function("cuStreamBeginCapture_v2");
    private static readonly delegate* unmanaged<nint, nint*, int> EndCapture = (delegate* unmanaged<nint, nint*, int>)CudaDriver.Function("cuStreamEndCapture");
    private static readonly delegate* unmanaged<nint*, nint, ulong, int> Instantiate = (delegate* unmanaged<nint*, nint, ulong, int>)CudaDriver.Function("cuGraphInstantiateWithFlags");
    private static readonly delegate* unmanaged<nint, nint, int> LaunchGraph = (delegate* unmanaged<nint, nint, int>)CudaDriver.Function("cuGraphLaunch");
    private static readonly delegate* unmanaged<nint, int> DestroyGraph = (delegate* unmanaged<nint, int>)CudaDriver.Function("cuGraphDestroy");
    private static readonly delegate* unmanaged<nint, int> DestroyExecutable = (delegate* unmanaged<nint, int>)CudaDriver.Function("cuGraphExecDestroy");

    private readonly nint stream;
    private nint executable;

    /// <summary>Captures what is launched on a stream, whose context is the thread's current one.</summary>
    public CudaGraph(nint stream, Action launches)
    {
        this.stream = stream;
        CudaDriver.Require(BeginCapture(stream, Relaxed), "begin to capture a graph");
        nint graph = 0;
        int ended;
        try
        {
            launches();
        }
        finally
        {
            ended = EndCapture(stream, &graph);
        }
        CudaDriver.Require(ended, "capture a graph");
        nint made = 0;
        int error = Instantiate(&made, graph, 0);
        _ = DestroyGraph(graph);
        CudaDriver.Require(error, "make a graph ready");
        executable = made;
    }

    public void Launch() => CudaDriver.Require(LaunchGraph(executable, stream), "launch a graph");

    public void Dispose()
    {
        if (executable == 0) return;
        _ = DestroyExecutable(executable);
        executable = 0;
    }
}

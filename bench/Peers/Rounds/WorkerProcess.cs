using System.Diagnostics;
using System.Reflection;
using System.Text.Json;

namespace GpuConv.Peers;

/// <summary>A worker, seen from the process that conducts the run.</summary>
internal sealed class WorkerProcess : IDisposable
{
    // PyTorch allocates and frees every activation: without these, glibc returns large blocks to the system at each step and faults
    // them in again, which costs as much as the arithmetic.
    private static readonly (string Name, string Value)[] TunedAllocator =
        [("MALLOC_MMAP_THRESHOLD_", "2000000000"), ("MALLOC_TRIM_THRESHOLD_", "2000000000"), ("MALLOC_TOP_PAD_", "268435456")];

    private readonly Process process;

    /// <summary>Starts a worker.</summary>
    /// <param name="threads">Threads of each library.</param>
    /// <param name="tuneAllocator">Whether the C library's allocator is tuned, unless the environment does so already.</param>
    public WorkerProcess(int threads, bool tuneAllocator)
    {
        string self = Environment.ProcessPath ?? throw new InvalidOperationException("This process has no path.");
        var start = new ProcessStartInfo(self) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(self) == "dotnet") start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        start.ArgumentList.Add(Options.WorkerCommand);
        start.ArgumentList.Add(threads.ToString());
        foreach ((string name, string value) in TunedAllocator)
            if (tuneAllocator) start.Environment.TryAdd(name, value);
        process = Process.Start(start) ?? throw new InvalidOperationException($"{self} did not start.");
    }

    /// <summary>The process's number.</summary>
    public int Id => process.Id;

    /// <summary>Asks and waits for the answer. A worker that ended answers with an error.</summary>
    public Reply Ask(Request request)
    {
        try
        {
            process.StandardInput.WriteLine(JsonSerializer.Serialize(request, Json.Line));
            process.StandardInput.Flush();
            if (process.StandardOutput.ReadLine() is { } line) return JsonSerializer.Deserialize<Reply>(line, Json.Line)!;
        }
        catch (IOException)
        {
        }
        process.WaitForExit();
        return new Reply { Error = $"its process ended with exit code {process.ExitCode}" };
    }

    /// <summary>Ends the worker: it leaves when its input ends.</summary>
    public void Dispose()
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromSeconds(10))) process.Kill(entireProcessTree: true);
        process.Dispose();
    }
}

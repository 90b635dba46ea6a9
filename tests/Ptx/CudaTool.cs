using System.Diagnostics;

namespace GpuConv.Tests;

/// <summary>
/// A tool of CUDA's toolkit that needs no GPU. It is found on the path, or by an environment variable that holds the words before
/// its arguments: a path, or a command that runs it elsewhere on the files of the current folder.
/// </summary>
internal sealed class CudaTool
{
    private readonly string[] words;

    private CudaTool(string[] words) => this.words = words;

    /// <summary>The tool, or the end of the test, skipped.</summary>
    public static CudaTool FindOrSkip(string name)
    {
        string variable = "GPUCONV_" + name.ToUpperInvariant();
        if (Find(name, variable) is { } tool) return tool;
        Assert.Skip($"{name} is neither on the path nor named by {variable}: install CUDA's toolkit (Debian: nvidia-cuda-toolkit; no GPU is needed).");
        throw new UnreachableException();
    }

    /// <summary>What the tool wrote.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public string Run(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(words[0], words[1..].Concat(arguments)) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd() + errors.Result;
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{string.Join(' ', words)} {string.Join(' ', arguments)}: exit {process.ExitCode}\n{output}");
    }

    private static CudaTool? Find(string name, string variable)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } command) return new CudaTool(command.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        string? file = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
        return file is null ? null : new CudaTool([file]);
    }
}

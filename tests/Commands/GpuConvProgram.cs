using System.Diagnostics;
using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>
/// Runs the program as a user does: in a process of its own where that is what a test is about, else here, where it is compiled already, which takes half of the time or less.
/// </summary>
internal static class GpuConvProgram
{
    // A build that brings its own runtime is started by its own name.
    internal static readonly string[] CommandLine = File.Exists(Beside("libhostfxr.so")) ? [Beside("gpuconv")] : ["dotnet", Beside("gpuconv.dll")];

    internal sealed record Output(int ExitCode, string Standard, string Error);

    /// <summary>Runs the program's entry point here, or in a process where it must have one: a report silences the whole console for its parts.</summary>
    public static Output Run(params string[] arguments)
    {
        // On a terminal it would draw.
        if (arguments is ["report", ..] || !Console.IsOutputRedirected || !Console.IsErrorRedirected) return RunAlone([], arguments);
        (int code, string standard, string error) = CapturedConsole.Run(() => Invocation.Run(GpuConvCommand.Create(), arguments));
        return new Output(code, standard, error);
    }

    /// <summary>Runs it in a process of its own, with environment variables.</summary>
    public static Output RunAlone(Dictionary<string, string> environment, params string[] arguments)
    {
        using Process process = Start(environment, arguments);
        Task<string> standard = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(5)), $"gpuconv {string.Join(' ', arguments)} hangs.");
        return new Output(process.ExitCode, standard.Result, error.Result);
    }

    /// <summary>What it prints on standard output; it must end with exit code 0.</summary>
    public static string Done(params string[] arguments)
    {
        Output output = Run(arguments);
        Assert.True(output.ExitCode == 0, $"{string.Join(' ', arguments)}: {output.Error}");
        return output.Standard;
    }

    public static Process Start(params string[] arguments) => Start([], arguments);

    private static Process Start(Dictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo(CommandLine[0], CommandLine[1..].Concat(arguments)) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static string Beside(string name) => Path.Combine(AppContext.BaseDirectory, name);
}

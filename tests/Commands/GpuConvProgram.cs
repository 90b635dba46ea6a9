using System.Diagnostics;

namespace GpuConv.Tests;

/// <summary>Runs the program as a user does, in a process of its own.</summary>
internal static class GpuConvProgram
{
    private static readonly string Path = System.IO.Path.Combine(AppContext.BaseDirectory, "gpuconv.dll");

    internal sealed record Output(int ExitCode, string Standard, string Error);

    public static Output Run(params string[] arguments) => Run([], arguments);

    public static Output Run(Dictionary<string, string> environment, params string[] arguments)
    {
        using Process process = Start(environment, arguments);
        Task<string> standard = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(5)), $"gpuconv {string.Join(' ', arguments)} hangs.");
        return new Output(process.ExitCode, standard.Result, error.Result);
    }

    public static Process Start(params string[] arguments) => Start([], arguments);

    private static Process Start(Dictionary<string, string> environment, string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path);
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        return Process.Start(start)!;
    }
}

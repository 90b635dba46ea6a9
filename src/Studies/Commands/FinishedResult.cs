using System.CommandLine;

namespace GpuConv.Studies;

/// <summary>Results that are there are not replaced unless <c>--overwrite</c> says so. Files of another command do not count: what <c>evaluate</c> writes may stand in the folder of a run.</summary>
internal static class FinishedResult
{
    public static readonly Option<bool> Overwrite = new("--overwrite") { Description = "Replace the result that is in --out, or a run there that was stopped" };

    /// <summary>Has a command refuse, before it begins, a folder with a file that its result would replace.</summary>
    /// <param name="command">With the options <c>--out</c> and <c>--overwrite</c>.</param>
    /// <param name="file">The file that says that the command's result is there.</param>
    public static Command Keep(this Command command, string file)
    {
        command.Validators.Add(parsed =>
        {
            if (parsed.GetValue(CommonOptions.Out) is { } folder && !parsed.GetValue(Overwrite) && File.Exists(Path.Combine(folder, file))) parsed.AddError(Refusal(Path.Combine(folder, file)));
        });
        return command;
    }

    public static string Refusal(string path) => $"--out: {path} is there, a finished result. Give another name, or --overwrite to replace it.";
}

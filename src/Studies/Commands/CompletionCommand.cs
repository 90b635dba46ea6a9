using System.CommandLine;

namespace GpuConv.Studies;

/// <summary><c>gpuconv completion</c>: prints what makes a shell complete commands, options and their values. The scripts ask the program itself, by its directive <c>[suggest:POSITION]</c>.</summary>
internal static class CompletionCommand
{
    private static readonly Argument<string> Shell = new Argument<string>("shell") { Description = "The shell" }.AcceptOnlyFromAmong("bash", "zsh", "pwsh");

    public static Command Create()
    {
        var command = new Command("completion", "Prints a script that makes a shell complete commands, options and their values.\n\nExamples:\n  source <(gpuconv completion bash)                             in ~/.bashrc\n  source <(gpuconv completion zsh)                              in ~/.zshrc, after compinit\n  gpuconv completion pwsh | Out-String | Invoke-Expression      in $PROFILE")
        {
            Shell,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        using Stream script = typeof(CompletionCommand).Assembly.GetManifestResourceStream($"GpuConv.Studies.Completion.{parsed.GetValue(Shell)}")!;
        using var reader = new StreamReader(script);
        // A shell takes line feeds alone, on Windows too.
        Console.Write(reader.ReadToEnd().ReplaceLineEndings("\n"));
        return Invocation.Done;
    }
}

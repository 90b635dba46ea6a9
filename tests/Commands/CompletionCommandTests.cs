using System.Diagnostics;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>The scripts are sourced in the shells themselves where these are here, and asked as the shells ask.</summary>
public class CompletionCommandTests
{
    // What is typed, up to the cursor; what must be offered, and what must not.
    public static TheoryData<string, string, string> Lines => new()
    {
        { "gpuconv tr", "train", "attack" },
        { "gpuconv ", "train attack completion", "-h /h -?" },
        { "gpuconv train --opt", "--optimizer", "--epochs train" },
        { "gpuconv train --epochs 3 --optimizer ", "adam adamw sgd", "--epochs" },
        { "gpuconv train --optimizer adamw --sch", "--schedule", "--optimizer" },
        { "gpuconv train --device c", "cpu cuda", "opencl" },
        { "gpuconv completion ", "bash zsh pwsh", "train" },
    };

    [Theory, MemberData(nameof(Lines))]
    public void Bash_completes_commands_options_and_values(string line, string offered, string refused)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "bash is run where it belongs to the system.");
        // As readline sets them, with what the script registers.
        Holds(offered, refused, Shell("bash", Run("completion", "bash").Standard, $$"""
            line={{Quoted(line)}}
            COMP_LINE=$line COMP_POINT=${#line}
            read -ra COMP_WORDS <<<"$line"
            [[ $line == *' ' ]] && COMP_WORDS+=("")
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            $(complete -p gpuconv | sed -E 's/.*-F ([^ ]+).*/\1/') gpuconv "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
            printf '%s\n' "${COMPREPLY[@]}"
            """));
    }

    [Fact]
    public void Bash_completes_in_the_middle_of_a_line_and_leaves_files_to_itself()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "bash is run where it belongs to the system.");
        string script = Run("completion", "bash").Standard;
        Holds("train", "--epochs --quiet", Shell("bash", script, "COMP_LINE='gpuconv tr --quiet' COMP_POINT=10 COMP_WORDS=(gpuconv tr --quiet) COMP_CWORD=1; _gpuconv; printf '%s\\n' \"${COMPREPLY[@]}\""));
        Assert.Equal("", Shell("bash", script, "COMP_LINE='gpuconv evaluate --model ./ru' COMP_POINT=29 COMP_WORDS=(gpuconv evaluate --model ./ru) COMP_CWORD=3; _gpuconv; printf '%s' \"${COMPREPLY[@]}\"").Trim());
        Assert.Contains("-o default", Shell("bash", script, "complete -p gpuconv"));
    }

    [Theory, MemberData(nameof(Lines))]
    public void Zsh_completes_commands_options_and_values(string line, string offered, string refused)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/zsh") || File.Exists("/bin/zsh"), "zsh is not here.");
        // The completion system's own functions, which need a terminal, are replaced: compadd keeps what begins with the word.
        Holds(offered, refused, Shell("zsh", "compdef() { : }; compadd() { shift; print -l -- ${(M)@:#${words[CURRENT]}*} }; _files() { print files }\n" + Run("completion", "zsh").Standard, $$"""
            line={{Quoted(line)}}
            words=(${(z)line})
            [[ $line == *' ' ]] && words+=("")
            CURRENT=${#words}
            _gpuconv
            """));
    }

    [Fact]
    public void PowerShells_script_asks_the_same_way()
    {
        string script = Run("completion", "pwsh").Standard;
        Assert.Contains("Register-ArgumentCompleter -Native -CommandName gpuconv", script);
        Assert.Contains("\"[suggest:$position]\" \"$line\"", script);
        Assert.DoesNotContain('\r', script);
    }

    [Theory]
    [InlineData("fish")]
    [InlineData("")]
    public void Another_shell_is_refused(string shell)
    {
        Output output = shell == "" ? Run("completion") : Run("completion", shell);
        Assert.Equal(2, output.ExitCode);
        Assert.Equal("", output.Standard);
        Assert.StartsWith("gpuconv: ", output.Error);
        if (shell != "") Assert.Contains("bash", output.Error);
    }

    private static void Holds(string offered, string refused, string found)
    {
        string[] all = found.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        foreach (string word in offered.Split(' ')) Assert.Contains(word, all);
        foreach (string word in refused.Split(' ')) Assert.DoesNotContain(word, all);
    }

    private static string Quoted(string text) => $"'{text}'";

    // The program by its name, as it stands beside the tests.
    private static string Shell(string shell, string script, string commands)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["gpuconv"], $"#!/bin/sh\nexec {string.Join(' ', GpuConvProgram.CommandLine.Select(Quoted))} \"$@\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder["gpuconv"], UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        File.WriteAllText(folder["script"], $"PATH={Quoted(folder.Path)}:$PATH\n{script}\n{commands}\n");
        using Process process = Process.Start(new ProcessStartInfo(shell, [folder["script"]]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(60_000), $"{shell} hangs.");
        Assert.Equal("", error.Result);
        return output;
    }
}

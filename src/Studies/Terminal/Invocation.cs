using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Runs the command that was asked for, and turns what can go wrong into one or two lines on standard error and an exit code:
/// 0 done, 1 it could not be done, 2 the request is wrong, 130 interrupted.
/// </summary>
internal static class Invocation
{
    public const int Done = 0, Failed = 1, WrongRequest = 2, Interrupted = 130;

    private static readonly CancellationTokenSource Cancellation = new();

    /// <summary>Cancelled by Ctrl-C and SIGTERM. A second Ctrl-C ends the program at once.</summary>
    public static CancellationToken Token => Cancellation.Token;

    public static int Run(RootCommand root, string[] args)
    {
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction)
        {
            string command = parsed.CommandResult.Command is RootCommand ? "" : " " + parsed.CommandResult.Command.Name;
            string what = parsed.UnmatchedTokens.Count > 0 ? $"'{parsed.UnmatchedTokens[0]}' is no command or option that can stand here." : parsed.Errors[0].Message;
            return Report(what, $"'gpuconv{command} --help' lists what can be given.", WrongRequest);
        }
        bool verbose = args.Contains("--verbose");
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception e)
        {
            if (verbose) Console.Error.WriteLine(e);
            return Report(e);
        }
    }

    private static void Cancel(PosixSignalContext context)
    {
        if (Token.IsCancellationRequested) return;
        context.Cancel = true;
        Cancellation.Cancel();
    }

    private static int Report(Exception e) => e switch
    {
        ModelFileException file => Report(e.Message, file.Hint, WrongRequest),
        RequestException or DataException or NetworkException => Report(e.Message, null, WrongRequest),
        DeviceException device => Report(e.Message, null, device.IsUnknownDevice ? WrongRequest : Failed),
        OperationCanceledException => Report("Interrupted.", null, Interrupted),
        OutOfMemoryException => Report("There is not enough memory.", "Try a smaller --batch.", Failed),
        OverflowException => Report("A tensor would have more than 2,147,483,647 elements.", "Try a smaller --batch.", Failed),
        TrainingException or WrongResultException or IOException or UnauthorizedAccessException => Report(e.Message, null, Failed),
        _ => Report($"{e.GetType().Name}: {e.Message}", "This is a bug: --verbose shows where.", Failed),
    };

    private static int Report(string what, string? hint, int code)
    {
        Console.Error.WriteLine("gpuconv: " + what.ReplaceLineEndings(" "));
        if (hint is not null) Console.Error.WriteLine(hint);
        return code;
    }
}

/// <summary>The request is wrong: exit code 2.</summary>
internal sealed class RequestException(string message) : Exception(message);

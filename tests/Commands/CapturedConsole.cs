using System.Text;

namespace GpuConv.Tests;

/// <summary>
/// What code writes to the console while it runs in a scope, on whatever threads it starts; everybody else writes where they always did. So tests that run side by side do not meet.
/// </summary>
internal static class CapturedConsole
{
    private static readonly AsyncLocal<(TextWriter Out, TextWriter Error)?> Current = new();
    private static readonly Lock Installing = new();
    private static bool installed;

    /// <summary>Runs an action and returns its result with what it wrote.</summary>
    public static (T Result, string Out, string Error) Run<T>(Func<T> action)
    {
        lock (Installing)
        {
            if (!installed)
            {
                Console.SetOut(new Router(Console.Out, scope => scope.Out));
                Console.SetError(new Router(Console.Error, scope => scope.Error));
            }
            installed = true;
        }
        using StringWriter output = new(), error = new();
        Current.Value = (TextWriter.Synchronized(output), TextWriter.Synchronized(error));
        try
        {
            return (action(), output.ToString(), error.ToString());
        }
        finally
        {
            Current.Value = null;
        }
    }

    private sealed class Router(TextWriter otherwise, Func<(TextWriter Out, TextWriter Error), TextWriter> choose) : TextWriter
    {
        private TextWriter To => Current.Value is { } scope ? choose(scope) : otherwise;

        public override Encoding Encoding => otherwise.Encoding;

        public override void Write(char value) => To.Write(value);

        public override void Write(string? value) => To.Write(value);

        public override void Write(char[] buffer, int index, int count) => To.Write(buffer, index, count);

        public override void Write(ReadOnlySpan<char> buffer) => To.Write(buffer);

        public override void Flush() => To.Flush();
    }
}

namespace GpuConv.Net;

/// <summary>A model or weights file is missing, damaged, or not what was expected. The message says what, where, and what to do.</summary>
public sealed class ModelFileException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ModelFileException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What is wrong, in which file and where, and what to do.</param>
    public ModelFileException(string message) : base(OneLine(message)) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What is wrong, in which file and where, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public ModelFileException(string message, Exception innerException) : base(OneLine(message), innerException) { }

    /// <summary>What to do, where that does not fit into the message: lines of their own to show behind it; mostly null.</summary>
    public string? Hint { get; init; }

    // Messages quote names from files, which may hold anything.
    internal static string OneLine(string message)
    {
        const int longest = 1000;
        string cut = message.Length > longest ? message[..longest] + "…" : message;
        return cut.Any(char.IsControl) ? string.Concat(cut.Select(c => char.IsControl(c) ? '?' : c)) : cut;
    }
}

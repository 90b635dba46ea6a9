namespace GpuConv.Net;

/// <summary>A model or weights file is missing, damaged, or not what was expected. The message says what, where, and what to do.</summary>
public sealed class ModelFileException : Exception
{
    /// <summary>Creates the exception.</summary>
    public ModelFileException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What is wrong, in which file and where, and what to do.</param>
    public ModelFileException(string message) : base(message) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What is wrong, in which file and where, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public ModelFileException(string message, Exception innerException) : base(message, innerException) { }
}

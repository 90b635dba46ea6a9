namespace GpuConv.Net;

/// <summary>The data that was asked for is missing, damaged, or contradicts itself. The message says what, where, and what to do.</summary>
public sealed class DataException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DataException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What is wrong, in which file and where, and what to do.</param>
    public DataException(string message) : base(message) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What is wrong, in which file and where, and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public DataException(string message, Exception innerException) : base(message, innerException) { }
}

namespace GpuConv.Net;

/// <summary>A training diverged: its loss is no longer a number. The message says where and what to try.</summary>
public sealed class TrainingException : Exception
{
    /// <summary>Creates the exception.</summary>
    public TrainingException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What happened, where, and what to try.</param>
    public TrainingException(string message) : base(message) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What happened, where, and what to try.</param>
    /// <param name="innerException">The cause.</param>
    public TrainingException(string message, Exception innerException) : base(message, innerException) { }
}

namespace GpuConv.Kernels;

/// <summary>A device cannot be found, cannot be used, or has run out of memory. The message says what to do.</summary>
public sealed class DeviceException : Exception
{
    /// <summary>Creates the exception.</summary>
    public DeviceException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    public DeviceException(string message) : base(message) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What is wrong and what to do.</param>
    /// <param name="innerException">The cause.</param>
    public DeviceException(string message, Exception innerException) : base(message, innerException) { }

    /// <summary>Whether no such device exists (a wrong request), rather than one that failed.</summary>
    public bool IsUnknownDevice { get; init; }
}

namespace GpuConv.Net;

/// <summary>A network's definition contradicts itself. The message names the layer and the shapes, or the line and column of a text.</summary>
public sealed class NetworkException : Exception
{
    /// <summary>Creates the exception.</summary>
    public NetworkException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What is wrong and where.</param>
    public NetworkException(string message) : base(message) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What is wrong and where.</param>
    /// <param name="innerException">The cause.</param>
    public NetworkException(string message, Exception innerException) : base(message, innerException) { }
}

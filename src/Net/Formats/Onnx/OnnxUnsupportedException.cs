namespace GpuConv.Net;

/// <summary>A sound ONNX file needs something that is not supported here: an operator, a form of one, a type, a version. The message names it.</summary>
public sealed class OnnxUnsupportedException : Exception
{
    /// <summary>Creates the exception.</summary>
    public OnnxUnsupportedException() { }

    /// <summary>Creates the exception with its message.</summary>
    /// <param name="message">What is not supported.</param>
    public OnnxUnsupportedException(string message) : base(ModelFileException.OneLine(message)) { }

    /// <summary>Creates the exception with its message and cause.</summary>
    /// <param name="message">What is not supported.</param>
    /// <param name="innerException">The cause.</param>
    public OnnxUnsupportedException(string message, Exception innerException) : base(ModelFileException.OneLine(message), innerException) { }
}

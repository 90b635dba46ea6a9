using System.Diagnostics.CodeAnalysis;

namespace GpuConv.Net;

/// <summary>The type of an array's elements: <c>TensorProto.DataType</c>.</summary>
[SuppressMessage("Naming", "CA1720", Justification = "ONNX's names.")]
public enum OnnxType
{
    /// <summary>Not given.</summary>
    Undefined = 0,

    /// <summary>float32.</summary>
    Float = 1,

    /// <summary>Unsigned integers of 8 bits.</summary>
    UInt8 = 2,

    /// <summary>Integers of 8 bits.</summary>
    Int8 = 3,

    /// <summary>Unsigned integers of 16 bits.</summary>
    UInt16 = 4,

    /// <summary>Integers of 16 bits.</summary>
    Int16 = 5,

    /// <summary>Integers of 32 bits.</summary>
    Int32 = 6,

    /// <summary>Integers of 64 bits.</summary>
    Int64 = 7,

    /// <summary>Texts.</summary>
    String = 8,

    /// <summary>True or false.</summary>
    Bool = 9,

    /// <summary>float16 of IEEE 754.</summary>
    Float16 = 10,

    /// <summary>float64.</summary>
    Double = 11,

    /// <summary>Unsigned integers of 32 bits.</summary>
    UInt32 = 12,

    /// <summary>Unsigned integers of 64 bits.</summary>
    UInt64 = 13,

    /// <summary>Pairs of float32.</summary>
    Complex64 = 14,

    /// <summary>Pairs of float64.</summary>
    Complex128 = 15,

    /// <summary>The upper half of float32.</summary>
    BFloat16 = 16,
}

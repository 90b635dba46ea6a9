using System.Reflection;
using System.Runtime.InteropServices;
using ILGPU;

namespace GpuConv.Tests;

/// <summary>
/// Lays out a launch's arguments as ILGPU's CUDA back end does: structs field by field at natural alignment, a view as its address and
/// its length in elements, both of 64 bits.
/// </summary>
internal sealed class PtxArguments
{
    private readonly List<byte[]> parameters = [];
    private readonly List<PtxView> views = [];

    public PtxArguments(PtxModule module, IReadOnlyList<object> arguments)
    {
        if (arguments.Count != module.Parameters.Count) throw new ArgumentException($"{module.Entry} has {module.Parameters.Count} parameters, not {arguments.Count}.", nameof(arguments));
        for (int i = 0; i < arguments.Count; i++)
        {
            PtxVariable parameter = module.Parameters[i];
            byte[] bytes = new byte[parameter.Size];
            (int size, int alignment) = Layout(arguments[i].GetType());
            if (size != parameter.Size || (size > 8 && alignment != parameter.Alignment))
                throw new ArgumentException($"Argument {i} of {module.Entry}, a {arguments[i].GetType().Name}, takes {size} bytes aligned to {alignment}, but {parameter.Name} takes {parameter.Size} aligned to {parameter.Alignment}.", nameof(arguments));
            Write(arguments[i], bytes, i);
            parameters.Add(bytes);
        }
    }

    /// <summary>The bytes of each parameter.</summary>
    public IReadOnlyList<byte[]> Parameters => parameters;

    /// <summary>The views in them, in the order of their numbers.</summary>
    public IReadOnlyList<PtxView> Views => views;

    private static FieldInfo[] FieldsOf(Type type) => [.. type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).OrderBy(f => f.MetadataToken)];

    private static bool IsView(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ArrayView<>);

    private static (int Size, int Alignment) Layout(Type type)
    {
        if (IsView(type)) return (16, 8);
        if (type.IsEnum) type = Enum.GetUnderlyingType(type);
        if (type.IsPrimitive)
        {
            int bytes = type == typeof(bool) || type == typeof(char) ? throw new NotSupportedException($"{type} in a kernel's arguments.") : Marshal.SizeOf(type);
            return (bytes, bytes);
        }
        int size = 0, alignment = 1;
        foreach (FieldInfo field in FieldsOf(type))
        {
            (int fieldSize, int fieldAlignment) = Layout(field.FieldType);
            size = Align(size, fieldAlignment) + fieldSize;
            alignment = Math.Max(alignment, fieldAlignment);
        }
        // C# and ILGPU give an empty struct a byte.
        return (Math.Max(1, Align(size, alignment)), alignment);
    }

    private void Write(object value, Span<byte> bytes, int argument)
    {
        Type type = value.GetType();
        if (IsView(type)) WriteView((IContiguousArrayView)value, bytes, argument);
        else if (type.IsPrimitive || type.IsEnum) WritePrimitive(type.IsEnum ? Convert.ChangeType(value, Enum.GetUnderlyingType(type), null) : value, bytes);
        else
        {
            int offset = 0;
            foreach (FieldInfo field in FieldsOf(type))
            {
                (int size, int alignment) = Layout(field.FieldType);
                offset = Align(offset, alignment);
                Write(field.GetValue(value)!, bytes.Slice(offset, size), argument);
                offset += size;
            }
        }
    }

    private void WriteView(IContiguousArrayView view, Span<byte> bytes, int argument)
    {
        ulong address = 0;
        if (view.IsValid)
        {
            nint host = view.Buffer.NativePtr + (nint)view.IndexInBytes;
            var memory = new PtxView(argument, host, view.LengthInBytes, view.ElementSize, (int)(view.IndexInBytes % 256));
            address = PtxGlobalMemory.Address(views.Count, memory);
            views.Add(memory);
        }
        MemoryMarshal.Write(bytes, address);
        MemoryMarshal.Write(bytes[8..], view.Length);
    }

    private static void WritePrimitive(object value, Span<byte> bytes)
    {
        switch (value)
        {
            case byte v: bytes[0] = v; break;
            case sbyte v: bytes[0] = (byte)v; break;
            case short v: MemoryMarshal.Write(bytes, v); break;
            case ushort v: MemoryMarshal.Write(bytes, v); break;
            case int v: MemoryMarshal.Write(bytes, v); break;
            case uint v: MemoryMarshal.Write(bytes, v); break;
            case long v: MemoryMarshal.Write(bytes, v); break;
            case ulong v: MemoryMarshal.Write(bytes, v); break;
            case float v: MemoryMarshal.Write(bytes, v); break;
            case double v: MemoryMarshal.Write(bytes, v); break;
            default: throw new NotSupportedException($"{value.GetType()} in a kernel's arguments.");
        }
    }

    private static int Align(int value, int alignment) => (value + alignment - 1) / alignment * alignment;
}

using System.Globalization;

namespace GpuConv.Tests;

/// <summary>
/// The layout of a warp's registers: rows of 32 lanes for what the kernel declares, and for its constants, special registers and
/// parameters too, so that every operand is a place in this memory.
/// </summary>
internal sealed class PtxRegisterFile
{
    private const int Row = 64;

    private readonly Dictionary<string, PtxRegister> declared = [];
    private readonly Dictionary<string, PtxRegister> special = [];
    private readonly Dictionary<(char Width, ulong Value), PtxRegister> constants = [];
    private readonly Dictionary<string, int> parameters = [];
    private int count;

    public PtxRegisterFile(PtxModule module)
    {
        foreach (PtxVariable parameter in module.Parameters)
        {
            Bytes = Align(Bytes, Math.Max(parameter.Alignment, 1));
            parameters.Add(parameter.Name, Bytes);
            Bytes += parameter.Size;
        }
        Bytes = Align(Bytes, Row);
        None = Constant('W', 0);
        foreach (PtxRegisters registers in module.Registers)
            for (int i = 0; i < registers.Count; i++)
                declared.Add($"{registers.Prefix}{i}", Allocate(registers.Type == ".pred" ? 'P' : PtxModule.BytesOf(registers.Type) == 8 ? 'D' : 'W'));
    }

    /// <summary>Bytes of a warp's registers.</summary>
    public int Bytes { get; private set; }

    /// <summary>How many registers there are.</summary>
    public int Count => count;

    /// <summary>Stands for an operand that an instruction does not have.</summary>
    public PtxRegister None { get; }

    /// <summary>Where each parameter lies.</summary>
    public IReadOnlyDictionary<string, int> Parameters => parameters;

    /// <summary>The special registers that the kernel reads, as <c>%tid.x</c>.</summary>
    public IReadOnlyDictionary<string, PtxRegister> Special => special;

    /// <summary>The constants, the same in all lanes.</summary>
    public IEnumerable<(PtxRegister Register, ulong Value)> Constants => constants.Select(c => (c.Value, c.Key.Value));

    public PtxRegister Constant(char width, ulong value)
    {
        if (!constants.TryGetValue((width, value), out PtxRegister register))
            constants.Add((width, value), register = Allocate(width));
        return register;
    }

    /// <summary>The register of an operand that must have a width; null: it has another, or the operand is none.</summary>
    public PtxRegister? Find(string operand, char width, bool isDestination = false)
    {
        if (declared.TryGetValue(operand, out PtxRegister register)) return register.Width == width ? register : null;
        if (isDestination) return null;
        if (operand is "%tid.x" or "%tid.y" or "%tid.z" or "%ntid.x" or "%ntid.y" or "%ntid.z" or "%ctaid.x" or "%ctaid.y" or "%ctaid.z" or "%nctaid.x" or "%nctaid.y" or "%nctaid.z" or "%laneid")
        {
            if (!special.TryGetValue(operand, out register)) special.Add(operand, register = Allocate('W'));
            return width == 'W' ? register : null;
        }
        return Value(operand) is { } value ? Constant(width, width switch { 'P' => value == 0 ? 0 : uint.MaxValue, 'W' => (uint)value, _ => value }) : null;
    }

    /// <summary>A declared register's name, for messages.</summary>
    public string NameOf(PtxRegister register) => declared.First(d => d.Value == register).Key;

    private static ulong? Value(string text)
    {
        if (text.StartsWith("0f", StringComparison.Ordinal) && uint.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out uint bits)) return bits;
        if (text.StartsWith("0d", StringComparison.Ordinal) && ulong.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong wide)) return wide;
        if (text.StartsWith("0x", StringComparison.Ordinal) && ulong.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out wide)) return wide;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)) return (ulong)value;
        return null;
    }

    private PtxRegister Allocate(char width)
    {
        var register = new PtxRegister(count++, Bytes, width);
        Bytes += Align(width switch { 'P' => 4, 'W' => 4 * PtxLanes.Count, _ => 8 * PtxLanes.Count }, Row);
        return register;
    }

    private static int Align(int value, int alignment) => (value + alignment - 1) / alignment * alignment;
}

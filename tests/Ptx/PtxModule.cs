using System.Globalization;

namespace GpuConv.Tests;

/// <summary>A kernel's parameter, or one of its arrays of shared or local memory.</summary>
internal sealed record PtxVariable(string Name, int Size, int Alignment);

/// <summary>Registers %prefix0 to %prefix(count - 1) of one type, as <c>.b32</c>.</summary>
internal sealed record PtxRegisters(string Type, string Prefix, int Count);

/// <summary>An instruction as written.</summary>
/// <param name="Line">Its line in the text, from 1.</param>
/// <param name="Text">The line, for messages.</param>
/// <param name="Guard">The predicate that it depends on, as <c>%p1</c>; null: none.</param>
/// <param name="GuardNegated">Whether it runs where the predicate is false.</param>
/// <param name="Name">The instruction with its modifiers, as <c>ld.global.f32</c>.</param>
/// <param name="Operands">Registers, constants, names, addresses in brackets, vectors in braces.</param>
internal sealed record PtxStatement(int Line, string Text, string? Guard, bool GuardNegated, string Name, IReadOnlyList<string> Operands);

/// <summary>
/// The text of one kernel in PTX, taken apart. It holds what ILGPU writes: one entry, its variables declared at the head, labels, and one
/// instruction for each semicolon.
/// </summary>
internal sealed record PtxModule(
    string Entry, IReadOnlyList<PtxVariable> Parameters, IReadOnlyList<PtxVariable> Shared, IReadOnlyList<PtxVariable> Local, IReadOnlyList<PtxRegisters> Registers,
    IReadOnlyList<PtxStatement> Statements, IReadOnlyDictionary<string, int> Labels)
{
    public static PtxModule Parse(string text)
    {
        List<PtxVariable> parameters = [], shared = [], local = [];
        List<PtxRegisters> registers = [];
        List<PtxStatement> statements = [];
        Dictionary<string, int> labels = [];
        string? entry = null;
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].Split("//")[0].Trim();
            if (line.Length == 0 || line is "{" or "}" or "(" or ")" || Declares(line, ".version", ".target", ".address_size")) continue;
            if (line.StartsWith(".visible .entry ", StringComparison.Ordinal))
            {
                if (entry is not null) throw Unknown(i, line, "a second entry");
                entry = line.Split(' ')[2].TrimEnd('(');
            }
            else if (line.StartsWith(".param ", StringComparison.Ordinal)) parameters.Add(Variable(line.TrimEnd(',')[6..]));
            else if (line.StartsWith(".shared ", StringComparison.Ordinal)) shared.Add(Variable(line.TrimEnd(';')[7..]));
            else if (line.StartsWith(".local ", StringComparison.Ordinal)) local.Add(Variable(line.TrimEnd(';')[6..]));
            else if (line.StartsWith(".reg ", StringComparison.Ordinal)) registers.Add(Declared(line.TrimEnd(';')[4..]));
            else if (line.EndsWith(':')) labels.Add(line[..^1], statements.Count);
            else if (line[0] == '.' || !line.EndsWith(';')) throw Unknown(i, line, "a directive");
            else
                foreach (string part in line.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
                    statements.Add(Statement(i + 1, part));
        }
        return new PtxModule(entry ?? throw Unknown(0, lines[0], "text without an entry"), parameters, shared, local, registers, statements, labels);
    }

    private static bool Declares(string line, params ReadOnlySpan<string> directives)
    {
        foreach (string directive in directives)
            if (line.StartsWith(directive, StringComparison.Ordinal)) return true;
        return false;
    }

    private static PtxException Unknown(int index, string line, string what) => new(PtxFault.Unknown, $"line {index + 1}, '{line}': {what} that the interpreter does not know.");

    // .align 8 .b8 name[32] or .b32 name
    private static PtxVariable Variable(string text)
    {
        string[] parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int at = parts[0] == ".align" ? 2 : 0;
        int size = BytesOf(parts[at]);
        string name = parts[at + 1];
        int bracket = name.IndexOf('[');
        int count = bracket < 0 ? 1 : int.Parse(name[(bracket + 1)..^1], CultureInfo.InvariantCulture);
        return new PtxVariable(bracket < 0 ? name : name[..bracket], size * count, at == 2 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : size);
    }

    // .b32 %r<265>
    private static PtxRegisters Declared(string text)
    {
        string[] parts = text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        int bracket = parts[1].IndexOf('<');
        return new PtxRegisters(parts[0], parts[1][..bracket], int.Parse(parts[1][(bracket + 1)..^1], CultureInfo.InvariantCulture));
    }

    private static PtxStatement Statement(int line, string text)
    {
        string rest = text;
        string? guard = null;
        bool negated = false;
        if (rest[0] == '@')
        {
            int end = rest.IndexOf(' ');
            negated = rest[1] == '!';
            guard = rest[(negated ? 2 : 1)..end];
            rest = rest[end..].TrimStart();
        }
        int nameEnd = rest.AsSpan().IndexOfAny(' ', '\t');
        string name = nameEnd < 0 ? rest : rest[..nameEnd];
        return new PtxStatement(line, text.Replace('\t', ' '), guard, negated, name, nameEnd < 0 ? [] : SplitOperands(rest[nameEnd..]));
    }

    private static List<string> SplitOperands(string text)
    {
        List<string> operands = [];
        int depth = 0, start = 0;
        for (int i = 0; i <= text.Length; i++)
        {
            if (i == text.Length || (text[i] == ',' && depth == 0))
            {
                operands.Add(text[start..i].Trim());
                start = i + 1;
            }
            else if (text[i] is '{' or '[') depth++;
            else if (text[i] is '}' or ']') depth--;
        }
        return operands;
    }

    /// <summary>The bytes of a value of a type, as 4 of <c>.f32</c>.</summary>
    public static int BytesOf(string type) => type[^2..] switch
    {
        "b8" or "u8" or "s8" or ".8" => 1,
        "16" => 2,
        "32" => 4,
        "64" => 8,
        _ => throw new PtxException(PtxFault.Unknown, $"a type '{type}'."),
    };
}

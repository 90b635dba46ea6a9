using System.Text.RegularExpressions;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>What the assembler says about a kernel.</summary>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="SharedBytes">Shared memory of a group.</param>
/// <param name="SpillBytes">Bytes of a thread that did not fit into registers, stores and loads.</param>
/// <param name="StackBytes">Bytes of a thread's stack frame.</param>
/// <param name="LocalAccesses">Loads from and stores to local memory in the machine code.</param>
/// <param name="Loops">The loops of the machine code.</param>
internal sealed record AssembledKernel(int Registers, int SharedBytes, int SpillBytes, int StackBytes, int LocalAccesses, IReadOnlyList<SassLoop> Loops)
{
    /// <summary>The loop with the most products of tensor cores, else that with the most multiply-adds; null if none has any.</summary>
    public SassLoop? MainLoop => Loops.Where(l => l.MultiplyAdds + l.MatrixProducts > 0).Cast<SassLoop?>().MaxBy(l => (l!.Value.MatrixProducts, l.Value.MultiplyAdds));
}

/// <summary>Assembles the kernels of the catalogue and reads what came of them.</summary>
internal static partial class Assembler
{
    private static readonly Dictionary<CudaArchitecture, AssembledKernel[]> Assembled = [];

    /// <summary>Each kernel of <see cref="KernelCatalog.For"/>; skips the test where the assembler is missing.</summary>
    public static AssembledKernel[] For(CudaArchitecture architecture)
    {
        CudaTool ptxas = CudaTool.FindOrSkip("ptxas"), cuobjdump = CudaTool.FindOrSkip("cuobjdump");
        lock (Assembled)
        {
            if (!Assembled.TryGetValue(architecture, out AssembledKernel[]? kernels)) Assembled[architecture] = kernels = Assemble(architecture, ptxas, cuobjdump);
            return kernels;
        }
    }

    private static AssembledKernel[] Assemble(CudaArchitecture architecture, CudaTool ptxas, CudaTool cuobjdump)
    {
        string name = architecture.ToString().ToLowerInvariant();
        // Beside the tests: a tool that runs elsewhere sees the checkout, but maybe not the folder for temporary files.
        string folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "ptx")).FullName;
        File.WriteAllText(Path.Combine(folder, $"{name}.ptx"), KernelPtx.Module(architecture));
        string report = ptxas.Run(folder, "-v", $"-arch={name}", $"{name}.ptx", "-o", $"{name}.cubin");
        string sass = cuobjdump.Run(folder, "--dump-sass", $"{name}.cubin");
        return Read(report, sass, KernelCatalog.For(architecture).Count);
    }

    /// <summary>Reads the assembler's report and the machine code of entries <c>k0</c>, <c>k1</c>, and so on.</summary>
    internal static AssembledKernel[] Read(string report, string sass, int count)
    {
        Dictionary<int, string> reports = Sections(report, EntryReport()), codes = Sections(sass, EntryCode());
        return [.. Enumerable.Range(0, count).Select(i => new AssembledKernel(
            Numbers(Registers(), reports[i]).Single(), Numbers(Shared(), reports[i]).Sum(), Numbers(Spills(), reports[i]).Sum(),
            Numbers(Stack(), reports[i]).Sum(), LocalAccess().Count(codes[i]), SassLoop.In(codes[i])))];
    }

    private static Dictionary<int, string> Sections(string text, Regex head)
    {
        MatchCollection heads = head.Matches(text);
        return heads.Select((m, i) => (Entry: int.Parse(m.Groups[1].Value), Text: text[m.Index..(i + 1 < heads.Count ? heads[i + 1].Index : text.Length)]))
            .ToDictionary(s => s.Entry, s => s.Text);
    }

    private static IEnumerable<int> Numbers(Regex pattern, string text) => pattern.Matches(text).Select(m => int.Parse(m.Groups[1].Value));

    [GeneratedRegex(@"Compiling entry function 'k(\d+)'")]
    private static partial Regex EntryReport();

    [GeneratedRegex(@"Function : k(\d+)\s")]
    private static partial Regex EntryCode();

    [GeneratedRegex(@"Used (\d+) registers")]
    private static partial Regex Registers();

    [GeneratedRegex(@"(\d+) bytes smem")]
    private static partial Regex Shared();

    [GeneratedRegex(@"(\d+) bytes spill")]
    private static partial Regex Spills();

    [GeneratedRegex(@"(\d+) bytes stack frame")]
    private static partial Regex Stack();

    [GeneratedRegex(@"\b(?:LDL|STL)\b")]
    private static partial Regex LocalAccess();
}

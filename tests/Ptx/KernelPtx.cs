using System.Text.RegularExpressions;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>The PTX that ILGPU generates for the kernels of the catalogue, with the settings of CUDA devices, but without one.</summary>
internal static partial class KernelPtx
{
    /// <summary>Turing (laptops), Ampere, Hopper.</summary>
    public static readonly CudaArchitecture[] Architectures = [CudaArchitecture.SM_75, CudaArchitecture.SM_80, CudaArchitecture.SM_90];

    /// <summary>The PTX of each kernel of <see cref="KernelCatalog.For"/>.</summary>
    public static string[] For(CudaArchitecture architecture) => [.. KernelCatalog.For(architecture).Select(k => PtxCompiler.Compile(k.Method, architecture))];

    /// <summary>
    /// All kernels in one module, so that the assembler starts once. Number i of <see cref="KernelCatalog.For"/> is entry <c>k{i}</c>.
    /// </summary>
    public static string Module(CudaArchitecture architecture)
    {
        string[] ptx = For(architecture);
        // ILGPU writes the head of a module before each kernel.
        string head = string.Concat(Head().Matches(ptx[0]).Select(m => m.Value));
        return head + string.Concat(ptx.Select((p, i) => Entry().Replace(Head().Replace(p, ""), $".visible .entry k{i}(")));
    }

    [GeneratedRegex(@"^\.(version|target|address_size) .*\n", RegexOptions.Multiline)]
    private static partial Regex Head();

    [GeneratedRegex(@"\.visible \.entry \w+\(")]
    private static partial Regex Entry();
}

using System.Reflection;
using System.Text;
using GpuConv.Kernels;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

public class AsmProbe
{
    private static readonly Type[] Stagings = [typeof(Registers2), typeof(RowRegisters2), typeof(Copies2), typeof(Copies3), typeof(Copies4), typeof(RowCopies2), typeof(RowCopies3), typeof(RowCopies4)];

    [Fact]
    public void Dump()
    {
        MethodInfo kernel = typeof(AsyncGemm).GetMethod("Kernel", BindingFlags.Static | BindingFlags.Public)!;
        var list = new List<(string, MethodInfo)>();
        foreach (GpuKernel k in KernelCatalog.All.Where(k => k.Name.StartsWith("TiledGemm.Kernel<", StringComparison.Ordinal) && !k.OnTensorCores))
        {
            Type[] a = k.Method.GetGenericArguments();
            list.Add(($"base\t{k.Name}", k.Method));
            foreach (Type s in Stagings) list.Add(($"{s.Name}\t{k.Name}", kernel.MakeGenericMethod(a[0], a[1], s, a[2], a[3], a[4], a[5])));
        }
        if (Environment.GetEnvironmentVariable("PROBE") is { Length: > 0 } filter) list = [.. list.Where(l => System.Text.RegularExpressions.Regex.IsMatch(l.Item1, filter))];
        string[] ptx = PtxCompiler.Compile(list.Select(l => l.Item2), CudaArchitecture.SM_80);
        string folder = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "ptx")).FullName;
        var text = new StringBuilder(".version 8.0\n.target sm_80\n.address_size 64\n");
        for (int i = 0; i < ptx.Length; i++)
        {
            string body = System.Text.RegularExpressions.Regex.Replace(ptx[i], @"^\.(version|target|address_size) .*\n", "", System.Text.RegularExpressions.RegexOptions.Multiline);
            text.Append(System.Text.RegularExpressions.Regex.Replace(body, @"\.visible \.entry \w+\(", $".visible .entry k{i}("));
        }
        File.WriteAllText(Path.Combine(folder, "probe.ptx"), text.ToString());
        File.WriteAllLines(Path.Combine(folder, "probe.txt"), list.Select(l => l.Item1));
    }

    [Fact]
    public void Read()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "ptx");
        string[] names = File.ReadAllLines(Path.Combine(folder, "probe.txt"));
        string variant = Environment.GetEnvironmentVariable("VARIANT") ?? "sm_90";
        AssembledKernel[] all = Assembler.Read(File.ReadAllText(Path.Combine(folder, $"probe.{variant}.log")), File.ReadAllText(Path.Combine(folder, $"probe.{variant}.sass")), names.Length);
        var arch = variant.Contains("90", StringComparison.Ordinal) ? CudaArchitecture.SM_90 : CudaArchitecture.SM_80;
        File.WriteAllLines(Path.Combine(folder, $"probe.{variant}.tsv"), names.Zip(all, (n, k) =>
        {
            int threads = n.Contains("16x16", StringComparison.Ordinal) ? 256 : 64;
            return $"{n}\t{k.Registers}\t{k.SharedBytes}\t{k.SpillBytes}\t{k.LocalAccesses}\t{k.MainLoop?.Instructions}\t{k.MainLoop?.MultiplyAdds}\t{100 * Occupancy.Of(arch).Share(threads, k.Registers, k.SharedBytes):f0}";
        }));
    }
}

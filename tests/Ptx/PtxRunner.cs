using System.Reflection;
using GpuConv.Kernels;
using ILGPU;

namespace GpuConv.Tests;

internal sealed class PtxRunner : IKernelRunner
{
    public Action<int, object[]> LoadIndexed(MethodInfo kernel)
    {
        Dump(kernel);
        return (_, _) => { };
    }

    public Action<KernelConfig, object[]> LoadGrouped(MethodInfo kernel)
    {
        Dump(kernel);
        return (_, _) => { };
    }

    private static void Dump(MethodInfo m)
    {
        string name = m.DeclaringType!.Name + "." + m.Name + "." + string.Join("_", m.GetGenericArguments().Concat(m.DeclaringType.GetGenericArguments()).Select(a => a.Name));
        File.WriteAllText("/tmp/ptx/all/" + name + ".ptx", PtxCompiler.Compile(m));
    }
}

using System.Reflection;

namespace GpuConv.Tests;

public class EveryKernelTests
{
    // What the code can load as far as its types tell, but no call asks for.
    private static readonly Dictionary<string, string> NeverLoaded = new()
    {
        ["GemmKernel<MatrixOperand, MatrixOperand, MatrixResult>.PlainKernel"] = "MatMul always takes the tiled kernel",
    };

    [Fact]
    public void Every_kernel_that_the_library_loads_has_been_interpreted()
    {
        if (!TestDevices.All.Any(row => row.Data == "ptx")) Assert.Skip("The interpreter is not among the devices under test.");
        HashSet<MethodInfo> kernels = [.. KernelCatalog.All.Select(k => k.Method)];
        Assert.Equal(NeverLoaded.Count, kernels.RemoveWhere(kernel => NeverLoaded.ContainsKey(Name(kernel))));
        TestContext.Current.TestOutputHelper?.WriteLine($"{kernels.Count} kernels");
        // The tests of operators run on the interpreter like on any device; whichever have not yet, run here.
        foreach (MethodInfo test in DeviceTests())
        {
            if (kernels.IsSubsetOf(PtxRunner.Executed)) break;
            test.Invoke(Activator.CreateInstance(test.DeclaringType!), ["ptx"]);
        }
        Assert.Empty(kernels.Except(PtxRunner.Executed).Select(Name).Order());
        Assert.DoesNotContain(PtxRunner.Executed, kernel => NeverLoaded.ContainsKey(Name(kernel)));
    }

    [Fact]
    public void The_kernels_found_include_those_of_generic_operators()
    {
        string[] found = [.. KernelCatalog.All.Select(k => Name(k.Method))];
        Assert.Contains("Elementwise.AddKernel", found);
        Assert.Contains("GemmKernel<MatrixOperand, GatheredImages, ImagesResult>.PlainKernel", found);
        Assert.Contains("Elementwise<ReluFunction>.ForwardKernel", found);
        Assert.Contains(found, name => name.StartsWith("TiledGemm.Kernel<MatrixOperand, MatrixOperand", StringComparison.Ordinal));
    }

    private static IEnumerable<MethodInfo> DeviceTests() =>
        typeof(EveryKernelTests).Assembly.GetTypes().SelectMany(t => t.GetMethods()).Where(m =>
            m.GetCustomAttribute<MemberDataAttribute>() is { MemberName: nameof(TestDevices.All) } data && data.MemberType == typeof(TestDevices)
            && m.GetParameters() is [{ ParameterType: var only }] && only == typeof(string) && m.ReturnType == typeof(void));

    private static string Name(MethodInfo kernel) => $"{Name(kernel.DeclaringType!, kernel.DeclaringType!.GetGenericArguments())}.{kernel.Name}{Arguments(kernel.GetGenericArguments())}";

    private static string Name(Type type, Type[] arguments) => type.Name.Split('`')[0] + Arguments(arguments);

    private static string Arguments(Type[] arguments) => arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(a => Name(a, a.GetGenericArguments())))}>";
}

using System.Reflection;
using GpuConv.Kernels;
using Xunit.v3;

namespace GpuConv.Tests;

[Collection<ProcessWide>]
public class EveryKernelTests
{
    [Fact]
    public void Every_kernel_that_the_library_loads_has_been_interpreted()
    {
        if (!TestDevices.All.Any(row => row.Data == "ptx")) Assert.Skip("The interpreter is not among the devices under test.");
        HashSet<string> parts = [.. KernelCatalog.All.SelectMany(k => KernelCatalog.Parts(k.Method))];
        TestContext.Current.TestOutputHelper?.WriteLine($"{KernelCatalog.All.Count} kernels, {parts.Count} with the products' by their parts");
        // The tests of operators run on the interpreter like on any device; whichever have not yet, run here.
        foreach ((MethodInfo test, object?[] arguments) in DeviceTests())
        {
            if (parts.IsSubsetOf(Executed())) break;
            test.Invoke(Activator.CreateInstance(test.DeclaringType!), arguments);
        }
        string[] missing = [.. parts.Except(Executed()).Order()];
        Assert.True(missing.Length == 0, $"{missing.Length} of {parts.Count} were not interpreted:\n{string.Join('\n', missing)}");
    }

    private static HashSet<string> Executed() => [.. PtxRunner.Executed.SelectMany(KernelCatalog.Parts)];

    // Every case of a theory whose first argument is the interpreter's name.
    private static IEnumerable<(MethodInfo Test, object?[] Arguments)> DeviceTests() =>
        from type in typeof(EveryKernelTests).Assembly.GetTypes()
        from test in type.GetMethods()
        where test.ReturnType == typeof(void)
        let data = test.GetCustomAttribute<MemberDataAttribute>()
        where data is not null
        from row in (IEnumerable<ITheoryDataRow>)(data.MemberType ?? type).GetProperty(data.MemberName)!.GetValue(null)!
        where row.GetData()[0] is "ptx" or TestDevices.Tf32
        select (test, row.GetData());
}

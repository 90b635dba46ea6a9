using System.Reflection;
using GpuConv.Kernels;

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
        foreach ((MethodInfo test, object?[] arguments) in DeviceTheories.On("ptx", TestDevices.Tf32))
        {
            if (parts.IsSubsetOf(Executed())) break;
            DeviceTheories.Run(test, arguments);
        }
        string[] missing = [.. parts.Except(Executed()).Order()];
        Assert.True(missing.Length == 0, $"{missing.Length} of {parts.Count} were not interpreted:\n{string.Join('\n', missing)}");
    }

    private static HashSet<string> Executed() => [.. PtxRunner.Executed.SelectMany(KernelCatalog.Parts)];
}

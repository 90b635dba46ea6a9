using System.Reflection;

namespace GpuConv.Tests;

/// <summary>
/// The tests of devices, on the simulated GPU, one after the other. It has a thread of the system for each thread of a group, 256 that wait for each other by spinning: on all processors beside another
/// test its tests took seven times as long, so they stay on one (<see cref="OneProcessor"/>). In the short form it has what operators
/// compute, each test once with the first of its cases: that they compute it in the same order again, alone and in place is seen on the interpreter, which runs what a GPU would get.
/// </summary>
public class SimulatedGpuTests
{
    private static readonly Lazy<IReadOnlyList<(MethodInfo Test, object?[] Arguments)>> Rows = new(() =>
    {
        IReadOnlyList<(MethodInfo Test, object?[] Arguments)> all = DeviceTheories.On("simulated");
        return TestScope.IsExhaustive ? all : [.. all.DistinctBy(row => row.Test).Where(row => !IsAboutOrder(row.Test.Name))];
    });

    public static IEnumerable<TheoryDataRow<string, int>> Tests =>
        TestDevices.RunsSimulatedApart ? Rows.Value.Select((row, i) => new TheoryDataRow<string, int>(NameOf(row.Test, row.Arguments), i).WithTrait("device", "simulated")) : [];

    [Theory(SkipTestWithoutData = true), MemberData(nameof(Tests))]
    public void On_the_simulated_GPU(string test, int number)
    {
        (MethodInfo method, object?[] arguments) = Rows.Value[number];
        Assert.Equal(test, NameOf(method, arguments));
        DeviceTheories.Run(method, arguments);
    }

    private static bool IsAboutOrder(string test) => (test.Contains("_bit", StringComparison.Ordinal) && !test.Contains("matches", StringComparison.Ordinal)) || test.Contains("may_replace", StringComparison.Ordinal);

    private static string NameOf(MethodInfo test, object?[] arguments) => $"{test.DeclaringType!.Name}.{test.Name}({string.Join(", ", arguments.Skip(1))})";
}

using System.Reflection;
using Xunit.v3;

namespace GpuConv.Tests;

/// <summary>The rows of all theories that run on one device, found by reflection.</summary>
internal static class DeviceTheories
{
    /// <summary>Each test with its arguments, the first of which is the device's name.</summary>
    public static IReadOnlyList<(MethodInfo Test, object?[] Arguments)> On(params string[] devices) => TestDevices.ListedAs(devices, () =>
        (from type in typeof(DeviceTheories).Assembly.GetTypes()
         // Others' methods may need libraries that a pack for another machine leaves out.
         where type.IsPublic && type != typeof(SimulatedGpuTests)
         from test in type.GetMethods()
         where test.ReturnType == typeof(void)
         let data = test.GetCustomAttribute<MemberDataAttribute>()
         where data is not null
         let rows = (data.MemberType ?? type).GetProperty(data.MemberName)?.GetValue(null) as IEnumerable<ITheoryDataRow>
         where rows is not null
         from row in rows
         where row.Traits is { } traits && traits.TryGetValue("device", out HashSet<string>? named) && named.Overlaps(devices)
         select (test, row.GetData())).ToArray());

    /// <summary>Runs one.</summary>
    public static void Run(MethodInfo test, object?[] arguments)
    {
        object instance = Activator.CreateInstance(test.DeclaringType!)!;
        test.Invoke(instance, BindingFlags.DoNotWrapExceptions, null, arguments, null);
        (instance as IDisposable)?.Dispose();
    }
}

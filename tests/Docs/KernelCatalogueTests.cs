using System.Reflection;
using System.Text.RegularExpressions;
using GpuConv.Kernels;

namespace GpuConv.Tests;

public partial class KernelCatalogueTests
{
    /// <summary>Made for a device too, but no arithmetic.</summary>
    private static readonly Type[] NoOperators = [typeof(DeviceArena), typeof(LaunchGraph), typeof(HostBuffer<>), typeof(Profile), typeof(DeviceCeilings), typeof(IndexKernel<>), typeof(GroupKernel<>)];

    /// <summary>A public class that is made for a device or with an arena's memory, by its constructor or by a factory of its own.</summary>
    private static string[] Operators =>
        [.. typeof(Device).Assembly.GetExportedTypes()
            .Where(t => t is { IsClass: true, IsNested: false } && !NoOperators.Contains(t) && (t.GetConstructors().Any(IsMadeForADevice) || t.GetMethods(BindingFlags.Public | BindingFlags.Static).Any(m => m.ReturnType == t && IsMadeForADevice(m))))
            .Select(t => t.Name.Split('`')[0]).Order(StringComparer.Ordinal)];

    private static bool IsMadeForADevice(MethodBase made) => made.GetParameters().FirstOrDefault()?.ParameterType is { } first && (first == typeof(Device) || first == typeof(DeviceArena));

    [Fact]
    public void Every_operator_has_an_entry_and_every_entry_an_operator()
    {
        Match[] entries = [.. File.ReadAllLines(Path.Combine(Repository.Root, "docs/kernels.md")).Select(line => Entry().Match(line)).Where(m => m.Success)];
        Assert.Equal(Operators, entries.Select(m => m.Groups["name"].Value).Order(StringComparer.Ordinal));
        Assert.True(Operators.Length >= 50, $"Only {Operators.Length} operators were found.");
        foreach (Match entry in entries)
        {
            string name = entry.Groups["name"].Value;
            Assert.True(entry.Groups["cell"].Captures.Count == 4, $"{name} has {entry.Groups["cell"].Captures.Count} cells beside its name: shapes, what it computes, cost, limits.");
            Assert.All(entry.Groups["cell"].Captures, cell => Assert.False(string.IsNullOrWhiteSpace(cell.Value), name));
            // The link leads to the file that declares it.
            Assert.Matches($@"\bclass {name}\b", File.ReadAllText(Path.Combine(Repository.Root, "docs", entry.Groups["file"].Value)));
        }
    }

    [GeneratedRegex(@"^\| \[`(?<name>\w+)`\]\((?<file>[^)]+)\) (?:\|(?<cell>(?:\\\||[^|])*))+\|\s*$")]
    private static partial Regex Entry();
}

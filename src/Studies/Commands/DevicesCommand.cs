using System.CommandLine;
using System.Text.Json;
using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary><c>gpuconv devices</c>: what kernels can run on here.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        var command = new Command("devices", "Lists every accelerator that ILGPU finds and which one --device auto takes.\n\nExample:\n  gpuconv devices")
        {
            CommonOptions.Json,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        IReadOnlyList<DeviceEntry> entries = DeviceCatalog.List();
        if (parsed.GetValue(CommonOptions.Json))
        {
            Console.WriteLine(JsonSerializer.Serialize([.. entries.Select(DeviceJson.From)], StudiesJson.Default.DeviceJsonArray));
            return Invocation.Done;
        }
        var table = new TextTable("device", "name", ">memory", ">units", "");
        foreach (DeviceEntry e in entries.Where(e => e.IsUsable))
            table.Add(e.Device, e.Name, $"{e.MemoryBytes / 1e9:f1} GB", $"{e.ComputeUnits}", e.IsAuto ? "taken by auto" : "");
        Console.Write(table);
        foreach (DeviceEntry e in entries.Where(e => !e.IsUsable)) Console.WriteLine($"{e.Device}: not usable: {e.Reason}");
        return Invocation.Done;
    }
}

/// <summary>An accelerator as JSON.</summary>
internal sealed record DeviceJson(string Device, string Kind, string Name, long MemoryBytes, int ComputeUnits, bool Usable, bool Auto, string? Reason)
{
    public static DeviceJson From(DeviceEntry e) =>
        new(e.Device, e.Kind.ToString().ToLowerInvariant(), e.Name, e.MemoryBytes, e.ComputeUnits, e.IsUsable, e.IsAuto, e.Reason);
}

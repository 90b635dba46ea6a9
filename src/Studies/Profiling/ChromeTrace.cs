using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>
/// The kept events of a profile in Chrome's trace format, for chrome://tracing and ui.perfetto.dev: complete events ("ph": "X") with
/// microseconds from the first one on, passes around steps around kernels. Source: Google, Trace Event Format.
/// </summary>
internal static class ChromeTrace
{
    private const int Process = 1, Thread = 1;

    public static string Of(Profile profile, string processName, string threadName)
    {
        // What begins first is written first, and of those that begin together what encloses the others.
        ProfileEvent[] events = [.. profile.Events.OrderBy(e => e.Start).ThenByDescending(e => e.End).ThenBy(e => e.Step.Length > 0).ThenBy(e => e.Kernel.Length > 0)];
        long origin = events.Length > 0 ? events[0].Start : 0;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("displayTimeUnit", "ms");
            json.WriteStartArray("traceEvents");
            Name(json, "process_name", processName);
            Name(json, "thread_name", threadName);
            foreach (ProfileEvent e in events) Write(json, e, origin);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }

    private static void Name(Utf8JsonWriter json, string what, string name)
    {
        json.WriteStartObject();
        json.WriteString("name", what);
        json.WriteString("ph", "M");
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", Thread);
        json.WriteStartObject("args");
        json.WriteString("name", name);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ProfileEvent e, long origin)
    {
        // Ends are rounded before they are subtracted: what lies within another event still does.
        decimal start = Microseconds(e.Start - origin), end = Microseconds(e.End - origin);
        json.WriteStartObject();
        json.WriteString("name", e.Kernel.Length > 0 ? e.Kernel : e.Step.Length > 0 ? e.Step : $"{e.Pass} {e.Number}");
        json.WriteString("cat", e.Kernel.Length > 0 ? "kernel" : e.Step.Length > 0 ? "step" : "pass");
        json.WriteString("ph", "X");
        json.WriteNumber("ts", start);
        json.WriteNumber("dur", end - start);
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", Thread);
        json.WriteStartObject("args");
        json.WriteString("pass", e.Pass);
        json.WriteNumber("number", e.Number);
        if (e.Step.Length > 0) json.WriteString("step", e.Step);
        if (e.Kernel.Length > 0) json.WriteNumber("items", e.Items);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static decimal Microseconds(long ticks) => Math.Round(ticks * 1_000_000m / Stopwatch.Frequency, 3);
}

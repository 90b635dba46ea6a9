using System.Text;

namespace GpuConv.Studies;

/// <summary>What <c>bench</c> prints, in 80 columns.</summary>
internal static class BenchText
{
    public static string Of(BenchResult result)
    {
        var text = new StringBuilder();
        Metrics.DeviceFacts device = result.Device;
        string simd = device.Threads > 0 ? $", {Counted(device.Threads, "thread")}, {device.Simd}-bit vectors" : "";
        text.Append($"{device.Name}{simd}; gpuconv {result.Version.Split('+')[0]}\n");
        text.Append($"multiply-add {result.Ceilings.GigaflopsPerSecond:g3} GFLOP/s, launch {result.Ceilings.LaunchMicroseconds:g3} us, copy (bytes read and written):\n");
        foreach (CeilingFacts.Copy[] line in result.Ceilings.Copies.Chunk(4))
            text.Append($"  {string.Join("  ", line.Select(c => $"{Size(c.Bytes),4}: {c.GigabytesPerSecond,5:g3} GB/s"))}\n");
        Passes(text, "training step", result.Steps);
        Passes(text, "inference", result.Inference);
        Kernels(text, result.Kernels);
        return text.ToString();
    }

    private static void Passes(StringBuilder text, string title, IReadOnlyList<PassTime> rows)
    {
        if (rows.Count == 0) return;
        var table = new TextTable(title, ">threads", ">image", ">batch", ">ms", ">spread", ">images/s", ">batch norm costs");
        foreach (PassTime r in rows)
        {
            PassTime? plain = r.BatchNorm ? rows.FirstOrDefault(p => !p.BatchNorm && (p.Threads, p.ImageSize, p.Batch) == (r.Threads, r.ImageSize, r.Batch)) : null;
            double more = r.Milliseconds - (plain?.Milliseconds ?? 0);
            // Also where a busy machine made a step long, a line has 80 columns.
            string cost = plain is null ? "" : $"{more.ToString(Math.Abs(more) < 10 ? "+0.000;-0.000" : "+0;-0")} ms {100 * (r.Milliseconds / plain.Milliseconds - 1):+0;-0} %";
            table.Add(r.BatchNorm ? "  batch norm" : "plain", r.Threads > 0 ? $"{r.Threads}" : "", $"{r.ImageSize}", $"{r.Batch}", $"{r.Milliseconds:f3}", Spread(r.Milliseconds, r.Quartiles), $"{r.ImagesPerSecond:n0}", cost);
        }
        text.Append('\n').Append(table);
    }

    private static void Kernels(StringBuilder text, IReadOnlyList<KernelTime> rows)
    {
        if (rows.Count == 0) return;
        var table = new TextTable("kernel", ">ms", ">spread", ">GFLOP/s", ">peak", ">GB/s", ">copy", "held to");
        string group = "";
        foreach (KernelTime k in rows)
        {
            if (k.Group != group) table.AddHeading(group = k.Group);
            string held = k.Ceiling switch { "copy" => $"copy {Size(k.CopyBytes)}", "launch" => $"launch {Percent(k.CeilingShare)}", _ => k.Ceiling };
            table.Add(
                $"  {k.Name}", $"{k.Milliseconds:f4}", Spread(k.Milliseconds, k.Quartiles),
                k.Flops > 0 ? $"{k.GigaflopsPerSecond:f1}" : "-", k.Flops > 0 ? Percent(k.PeakShare) : "-", $"{k.GigabytesPerSecond:f1}", Percent(k.CopyShare), held);
        }
        text.Append('\n').Append(table);
        text.Append("\npeak: share of the multiply-add loop; copy: share of the copy whose working set\nis nearest to the kernel's; held to: which of these, or a launch, takes longest\n");
    }

    private static string Spread(double median, double[] quartiles) => Percent((quartiles[1] - quartiles[0]) / median);

    private static string Percent(double share) => $"{100 * share:f0} %";

    private static string Counted(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private static string Size(long bytes) => bytes < 1 << 20 ? $"{bytes >> 10}K" : $"{bytes >> 20}M";
}

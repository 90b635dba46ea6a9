using System.CommandLine;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv report</c>: every study in one run, as one web page.</summary>
internal static class ReportCommand
{
    private static readonly Option<bool> Quick = new("--quick") { Description = "A part of everything in about a minute, for a first look" };

    private static readonly Option<bool> Full = new("--full") { Description = "All seeds, sweeps and attacks on all images, and a network trained against an attack: hours" };

    private static readonly Option<int?> Epochs = new("--epochs") { Description = "Epochs of each training; without it 10, with --quick 2" };

    private static readonly Option<int?> Attacked = new("--attacked") { Description = "The first N test images are attacked, 0: all; without it 1000, with --quick 100" };

    private static readonly Option<string> Out = new("--out") { Description = "Folder for the report; what is in it from before and still fits is used again", DefaultValueFactory = _ => Path.Combine("runs", "report") };

    public static Command Create()
    {
        var command = new Command(
            "report",
            "Trains with and without batch normalisation, runs every study, and writes all of it as one web page, index.html, and as report.pdf.\n\n"
            + "Run again it keeps what has not changed; stopped by Ctrl-C it goes on.\n\n"
            + "Examples:\n  gpuconv report\n  gpuconv report --quick --out runs/look\n  gpuconv report --data fashion --seed 2 --out runs/fashion");
        foreach (Option option in (Option[])[Quick, Full, Epochs, Attacked, .. CommonOptions.OfData, CommonOptions.Seed, Out, CommonOptions.DeviceName, CommonOptions.Threads, CommonOptions.Json, CommonOptions.Quiet, CommonOptions.Verbose])
            command.Add(option);
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        ReportSettings settings = SettingsOf(parsed);
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        string folder = parsed.GetValue(Out)!;
        StudyFolder.RequireNoFile(folder);
        DataSet data = StudyData.Load(parsed);
        settings = settings with { Validation = TrainSettings.ValidationOf(data) };
        (DeviceKind kind, Metrics.DeviceFacts facts) = DeviceOf(parsed);
        Directory.CreateDirectory(folder);
        var run = new ReportRun(folder, settings, kind, data.Sha256);
        IReadOnlyList<DonePart> parts;
        try
        {
            parts = new StudyDisplay(quiet).Follow(progress => run.Run(progress, Invocation.Token));
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"What is done is kept in {folder}. The same command goes on.");
            throw;
        }
        ReportDocument document = ReportContent.Of(settings, new ReportFiles(folder, parts), facts);
        AtomicFile.WriteAllText(Path.Combine(folder, "index.html"), ReportHtml.Of(document));
        AtomicFile.WriteAllBytes(Path.Combine(folder, "report.pdf"), ReportPdf.Of(document));
        string text = JsonSerializer.Serialize(ReportJson.Of(settings, parts, document), StudiesJson.Default.ReportJson) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "report.json"), text);
        Console.Write(json ? text : TextOf(document));
        if (!quiet) Console.Error.WriteLine($"{parts.Sum(p => p.Seconds):f0} s of work{(parts.Any(p => p.Reused) ? $", {parts.Where(p => p.Reused).Sum(p => p.Seconds):f0} s of it from before" : "")}; the report is {Path.Combine(folder, "index.html")}");
        return Invocation.Done;
    }

    private static ReportSettings SettingsOf(ParseResult parsed)
    {
        bool quick = parsed.GetValue(Quick), full = parsed.GetValue(Full);
        if (quick && full) throw new RequestException("--quick and --full contradict each other.");
        var settings = new ReportSettings
        {
            Size = quick ? ReportSize.Quick : full ? ReportSize.Full : ReportSize.Usual,
            Epochs = parsed.GetValue(Epochs),
            Attacked = parsed.GetValue(Attacked),
            Data = TrainCommand.DataOf(parsed),
            ImageSize = parsed.GetValue(CommonOptions.ImageSize),
            Transpose = parsed.GetValue(CommonOptions.Transpose)!,
            Seed = parsed.GetValue(CommonOptions.Seed),
            Device = parsed.GetValue(CommonOptions.DeviceName)!,
            Threads = parsed.GetValue(CommonOptions.Threads),
        };
        if (settings.Epochs is < 1) throw new RequestException($"--epochs {settings.Epochs}: at least 1.");
        if (settings.Attacked is < 0) throw new RequestException($"--attacked {settings.Attacked}: not negative.");
        return settings;
    }

    private static (DeviceKind, Metrics.DeviceFacts) DeviceOf(ParseResult parsed)
    {
        using Device device = parsed.OpenDevice();
        return (device.Kind, Metrics.DeviceFacts.Of(device));
    }

    private static string TextOf(ReportDocument document)
    {
        var text = new StringBuilder().Append(document.Lead).Append("\n\n");
        foreach (ReportedClaim claim in ReportJson.ClaimsOf(document)) text.Append($"{claim.Verdict}: {claim.Text}\n");
        return text.ToString();
    }
}

/// <summary>The report in numbers: <c>report.json</c>.</summary>
/// <param name="Version">The program's version.</param>
/// <param name="Config">What was asked for.</param>
/// <param name="Parts">The commands, with how long each took.</param>
/// <param name="Claims">The original report's claims, judged, and findings of ours, which have no <c>report</c>.</param>
internal sealed record ReportJson(string Version, ReportSettings Config, IReadOnlyList<ReportJson.Part> Parts, IReadOnlyList<ReportedClaim> Claims)
{
    internal sealed record Part(string Name, string Command, double Seconds);

    public static ReportJson Of(ReportSettings settings, IReadOnlyList<DonePart> parts, ReportDocument document) => new(
        Metrics.ProgramVersion, settings, [.. parts.Select(p => new Part(p.Part.Name, p.Part.CommandLine, p.Seconds))], ClaimsOf(document));

    public static IReadOnlyList<ReportedClaim> ClaimsOf(ReportDocument document) => [.. document.Sections.SelectMany(s => s.Blocks).OfType<ReportClaimTable>().SelectMany(t => t.Claims)];
}

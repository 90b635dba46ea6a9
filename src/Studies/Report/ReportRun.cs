using System.CommandLine;
using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Runs the parts of a report in its folder. A part that is there with the same options, models, data and build is kept; one that was interrupted goes on.</summary>
internal sealed class ReportRun(string folder, ReportSettings settings, DeviceKind device, string dataSha256)
{
    private const string StateName = "part.json";

    /// <summary>Runs what is not done yet.</summary>
    /// <param name="progress">Told how far the whole is.</param>
    /// <param name="cancellation">Stops it; what is done stays.</param>
    /// <returns>The parts, in order.</returns>
    /// <exception cref="RequestException">A folder of a part's name holds something else.</exception>
    public IReadOnlyList<DonePart> Run(Action<StudyProgress> progress, CancellationToken cancellation)
    {
        IReadOnlyList<ReportPart> parts = ReportParts.Of(settings);
        foreach (ReportPart part in parts) RequireOurs(part);
        // A part's key needs the models of those before it, so what can be kept shows only on the way.
        double before = 0, all = parts.Sum(p => p.Seconds);
        var done = new List<DonePart>();
        foreach (ReportPart part in parts)
        {
            cancellation.ThrowIfCancellationRequested();
            double begun = before;
            void Tell(double share, string now) => progress(new StudyProgress($"{part.Name}: {now}", (int)(1000 * (begun + share * part.Seconds)), (int)(1000 * all), IsCount: false));
            string key = KeyOf(part);
            ReportState? state = StateOf(part);
            if (state is { Done: true } && state.Key == key)
            {
                done.Add(new DonePart(part, state.Seconds, Reused: true));
                all -= part.Seconds;
                continue;
            }
            bool goesOn = state is not null && state.Key == key;
            if (!goesOn) Clear(part, key);
            long start = Stopwatch.GetTimestamp();
            Tell(0, "starts");
            Execute(part, goesOn, Tell);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            Write(part, new ReportState(key, Done: true, seconds));
            done.Add(new DonePart(part, seconds, Reused: false));
            before += part.Seconds;
        }
        return done;
    }

    private string FolderOf(ReportPart part) => Path.Combine(folder, part.Name);

    private string KeyOf(ReportPart part)
    {
        IEnumerable<string> models = part.Models.Select(m => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, m)))));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [.. part.Arguments, .. models, dataSha256, $"{device}", ProgramBuild.Id]))))[..32];
    }

    private ReportState? StateOf(ReportPart part)
    {
        string file = Path.Combine(FolderOf(part), StateName);
        try
        {
            return File.Exists(file) ? JsonSerializer.Deserialize(File.ReadAllText(file), StudiesJson.Default.ReportState) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private void Write(ReportPart part, ReportState state) => AtomicFile.WriteAllText(Path.Combine(FolderOf(part), StateName), JsonSerializer.Serialize(state, StudiesJson.Default.ReportState) + "\n");

    // What is deleted when a part is made anew must have been made by a report.
    private void RequireOurs(ReportPart part)
    {
        string path = FolderOf(part);
        StudyFolder.RequireNoFile(path);
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any() && !File.Exists(Path.Combine(path, StateName)))
            throw new RequestException($"{path}: there are files in it that no report made. Give another --out.");
    }

    private void Clear(ReportPart part, string key)
    {
        string path = FolderOf(part);
        if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
        Write(part, new ReportState(key, Done: false, 0));
    }

    private void Execute(ReportPart part, bool goesOn, Action<double, string> tell)
    {
        string path = FolderOf(part);
        bool resumes = goesOn && part.Command == "train" && File.Exists(Path.Combine(path, "checkpoint", "state.safetensors"));
        string[] arguments = resumes ? ["train", "--resume", path] : [.. part.ArgumentsIn(folder), "--out", path];
        // One that was stopped while it wrote its results; trainings and comparisons go on by themselves.
        if (goesOn && part.Command is not ("train" or "compare-batchnorm")) arguments = [.. arguments, FinishedResult.Overwrite.Name];
        arguments = [.. arguments, "--device", settings.Device, "--threads", $"{settings.Threads}", "--quiet"];
        ParseResult parsed = GpuConvCommand.Create().Parse(arguments);
        if (parsed.Errors.Count > 0) throw new RequestException($"{part.Name}: {parsed.Errors[0].Message}");
        (TextWriter standard, TextWriter error) = (Console.Out, Console.Error);
        // What a part says is in its folder; how to go on with one that is stopped is not what the user of a report should do.
        Console.SetOut(TextWriter.Null);
        Console.SetError(TextWriter.Null);
        try
        {
            PartProgress.Follow(tell, () => parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }));
        }
        finally
        {
            Console.SetOut(standard);
            Console.SetError(error);
        }
    }
}

using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Makes the document of a report from what its parts wrote.</summary>
internal static class ReportContent
{
    /// <summary>The original report, by what is known of it.</summary>
    private const string Original = "a student's report on convolutional networks";

    public static ReportDocument Of(ReportSettings settings, ReportFiles files, Metrics.DeviceFacts device)
    {
        Metrics plain = Training(files, ReportParts.Train), normalised = Training(files, ReportParts.TrainBatchNorm);
        ReportSection[] studies = [TrainingSections.Of(files, plain, normalised), SightSections.Of(files), AdversarialSections.Of(files, plain)];
        IReadOnlyList<ReportedClaim> claims = ReportClaimList.Of(files, plain, studies);
        return new ReportDocument(
            $"What a convolutional network learns from {NameOf(plain.Data.Name)}",
            Lead(plain, normalised, claims),
            [ClaimSection(claims, settings), .. studies, Making(settings, files, plain, device)]);
    }

    public static string NameOf(string data) => data == "mnist" ? "MNIST" : data;

    public static Metrics Training(ReportFiles files, string part) => files.Read(part, "metrics.json", StudiesJson.Default.Metrics);

    private static string Lead(Metrics plain, Metrics normalised, IReadOnlyList<ReportedClaim> claims)
    {
        ReportedClaim[] reports = [.. claims.Where(c => c.Report is not null)];
        int Count(string verdict) => reports.Count(c => c.Verdict == verdict);
        string unsettled = Count(Claim.NotSettled) > 0 ? $", {Count(Claim.NotSettled)} the data do not settle" : "";
        return $"A network of two convolutions and three fully connected layers, trained for {Epochs(plain)} on {plain.Data.Train:n0} images in {plain.SecondsTraining:f0} s, recognises {100 * plain.Test.Accuracy:f2} % of {plain.Data.Test:n0} test images; with batch normalisation {100 * normalised.Test.Accuracy:f2} % after {normalised.SecondsTraining:f0} s. Of {reports.Length} claims of {Original}, {Count(Claim.True)} hold here, {Count(Claim.Partly)} hold in part, {Count(Claim.False)} do not{unsettled}.";
    }

    public static string Epochs(Metrics training) => training.History.Count == 1 ? "1 epoch" : $"{training.History.Count} epochs";

    private static ReportSection ClaimSection(IReadOnlyList<ReportedClaim> claims, ReportSettings settings) => new(
        "claims", "The report's claims, measured",
        [
            new ReportParagraph($"What {Original} says, in its own words, with its figure, what was measured here, and a verdict by a rule that was fixed beforehand: true, partly (of several parts some hold and some do not), false, or not settled where the data cannot decide, as one training of a network seldom can. The rules stand below; the last column says where a claim is looked at.{(settings.Size == ReportSize.Quick ? " This is a quick run on a part of the data: its verdicts say little about the whole." : "")}"),
            new ReportClaimTable([.. claims.Where(c => c.Report is not null)]),
            new ReportParagraph("What the report does not look at, found here:"),
            new ReportClaimTable([.. claims.Where(c => c.Report is null)]),
        ],
        []);

    private static ReportSection Making(ReportSettings settings, ReportFiles files, Metrics plain, Metrics.DeviceFacts device)
    {
        string simd = device.Simd > 0 ? $", {device.Threads} {(device.Threads == 1 ? "thread" : "threads")}, {device.Simd}-bit vectors" : "";
        return new ReportSection(
            "making", "How this was made",
            [
                new ReportParagraph($"By GpuConv {plain.Version}, on {device.Name}{simd}, seed {settings.Seed}. Training, gradients and every study run on GpuConv's own kernels. The same program, kind of device and seed give the same numbers to the bit, but for times, on one thread or many."),
                new ReportParagraph($"Data: {NameOf(plain.Data.Name)}; {plain.Data.Train:n0} images to train on, {plain.Data.Validation:n0} to validate, {plain.Data.Test:n0} to test, which no choice was made by.{(plain.Data.Name == "mnist" ? " MNIST is by Yann LeCun, Corinna Cortes and Christopher Burges (CC BY-SA 3.0)." : "")}"),
                new ReportTable("Commands, and how long each took", ["part", "command", ">seconds"], [.. files.Parts.Select(p => (string[])[p.Part.Name, p.Part.CommandLine, $"{p.Seconds:f1}"])]),
                new ReportParagraph($"{files.Parts.Sum(p => p.Seconds):f0} s in all. Each part can be run alone by its command, with --out and a folder."),
            ],
            []);
    }
}

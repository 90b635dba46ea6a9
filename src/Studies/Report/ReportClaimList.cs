using System.Text.Json;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The original report's claims in its order, with its figures, and what the parts say of them.</summary>
internal static class ReportClaimList
{
    // Where each stands: the part that judges it, its name there, the report's figure, the section.
    private static readonly (string Part, string Name, string Figure, string Section)[] Judged =
    [
        (ReportParts.Compare, "time", "11.7 %: 392 s against 351 s", "batch-normalisation"),
        (ReportParts.Compare, "loss", "2 epochs instead of 5", "batch-normalisation"),
        (ReportParts.Compare, "accuracy", "98 % within 2 epochs", "batch-normalisation"),
        (ReportParts.Compare, "overfitting", "", "batch-normalisation"),
        (ReportParts.Filters, "edges", "", "filters"),
        (ReportParts.Filters, "blur", "", "filters"),
        (ReportParts.Occlusion, "sizes", "16 x 16", "occlusion"),
        (ReportParts.Occlusion, "strokes", "", "occlusion"),
        (ReportParts.Fool, "fooled", "0.9856 to 0.9937", "fool"),
        (ReportParts.Fool, "steps", "", "fool"),
        (ReportParts.Fool, "flattens", "", "fool"),
        (ReportParts.Fool, "parts", "", "fool"),
        (ReportParts.TargetFromImage, "case 1", "", "target"),
        (ReportParts.TargetFromNoise, "case 2", "", "target"),
        (ReportParts.Noise, "universal", "", "noise"),
        (ReportParts.Noise, "transfer", "", "noise"),
    ];

    // After which epoch the report sees overfitting, and how near counts as the same.
    private const int ReportTurn = 5, SameTurn = 1;

    public static IReadOnlyList<ReportedClaim> Of(ReportFiles files, Metrics plain, IReadOnlyList<ReportSection> parts)
    {
        ReportSection[] sections = [.. parts.SelectMany(p => p.Sections)];
        string TitleOf(string id) => sections.First(s => s.Id == id).Title;
        var claims = new List<ReportedClaim>();
        Add(Parameters(plain), "1,044,696", "network");
        Add(Turn(plain), "epoch 5", "training");
        foreach ((string part, string name, string figure, string section) in Judged)
            Add(ClaimsOf(files, part).First(c => c.Name == name), figure, section);
        return claims;

        void Add(Claim claim, string figure, string section) =>
            claims.Add(new ReportedClaim(claim.Text, figure, Sentence(claim.Measured), claim.Verdict, claim.Rule, section, TitleOf(section)));
    }

    /// <summary>A part's claims.</summary>
    public static IReadOnlyList<Claim> ClaimsOf(ReportFiles files, string part) => part switch
    {
        ReportParts.Compare => files.Read(part, "comparison.json", StudiesJson.Default.Comparison).Claims,
        ReportParts.Filters => files.Read(part, "filters.json", StudiesJson.Default.FiltersResult).Claims,
        ReportParts.Occlusion => files.Read(part, "occlusion.json", StudiesJson.Default.OcclusionResult).Claims,
        ReportParts.Fool => files.Read(part, "fool.json", StudiesJson.Default.FoolResult).Claims,
        ReportParts.TargetFromImage or ReportParts.TargetFromNoise => files.Read(part, "target.json", StudiesJson.Default.TargetResult).Claims,
        _ => files.Read(part, "noise.json", StudiesJson.Default.NoiseResult).Claims,
    };

    // The report's total is that of the network with batch normalisation without the output layer.
    private static Claim Parameters(Metrics plain)
    {
        const long report = 1_044_696;
        NetworkSummary network = NetworkSummary.Of(Network.Report(new GpuConv.Kernels.Shape(1, 28, 28), 10, batchNormalization: true));
        bool isReports = plain.Data.Name == DataSet.Mnist;
        return Claim.OfReport(
            "parameters",
            "The network has 1,044,696 parameters.",
            !isReports ? Claim.NotSettled : network.TotalParameters == report ? Claim.True : network.TotalParameters - network.OutputParameters == report ? Claim.Partly : Claim.False,
            $"{plain.Parameters:n0} are trained, {network.TotalParameters:n0} with batch normalisation on MNIST; without the output layer's {network.OutputParameters:n0} these are {network.TotalParameters - network.OutputParameters:n0}.",
            "true: all parameters are as many; partly: those of all layers but one; not settled: another data set.");
    }

    private static Claim Turn(Metrics plain)
    {
        Metrics.OverfittingFacts found = plain.Overfitting;
        return Claim.OfReport(
            "turn",
            "The validation loss rises after about five epochs, while the training loss goes on falling.",
            found.Found is null ? Claim.NotSettled : found.Found == false ? Claim.False : Math.Abs(found.Epoch!.Value - ReportTurn) <= SameTurn ? Claim.True : Claim.Partly,
            found.Text,
            $"true: it rises for good, beyond its wobble, after epoch {ReportTurn - SameTurn} to {ReportTurn + SameTurn}; partly: after another; not settled: too few epochs.");
    }

    // A layer's name stays as it is.
    private static string Sentence(string text) => text.Length > 0 && text.TakeWhile(c => c is not (' ' or ',' or ':')).All(char.IsLetter) ? char.ToUpperInvariant(text[0]) + text[1..] : text;
}

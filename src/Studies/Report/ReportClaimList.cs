using System.Text.Json;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The original report's claims in its order, with its figures, then findings of ours, and what the parts say of them.</summary>
internal static class ReportClaimList
{
    // Where each stands: the part that judges it, its name there, the report's figure, the section.
    private static readonly (string Part, string Name, string Figure, string Section)[] Judged =
    [
        (ReportParts.Compare, "results", "98.57 %, 0.06; 99.69 %, 0.01", "training"),
        (ReportParts.Compare, "turn", "epoch 5", "training"),
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
        (ReportParts.TargetFromNoise, "case 2", "", "target"),
        (ReportParts.TargetFromImage, "case 1", "", "target"),
        (ReportParts.Noise, "universal", "", "noise"),
        (ReportParts.Noise, "transfer", "", "noise"),
    ];

    public static IReadOnlyList<ReportedClaim> Of(ReportFiles files, Metrics plain, IReadOnlyList<ReportSection> parts)
    {
        ReportSection[] sections = [.. parts.SelectMany(p => p.Sections)];
        string TitleOf(string id) => sections.First(s => s.Id == id).Title;
        var claims = new List<ReportedClaim>();
        Add(Parameters(plain), "1,044,696", "network");
        Add(Neurons(plain), "32,360", "network");
        foreach ((string part, string name, string figure, string section) in Judged)
            Add(ClaimsOf(files, part).First(c => c.Name == name), figure, section);
        return claims;

        void Add(Claim claim, string figure, string section) =>
            claims.Add(new ReportedClaim(claim.Report, claim.Finding, figure, Claim.Sentence(claim.Measured), claim.Verdict, claim.Rule, section, TitleOf(section)));
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
        const long report = 1_044_696, layers = 320 + 9_248 + 784_500 + 250_500 + 64 + 64;
        NetworkSummary network = ReportsNetwork();
        return Claim.OfReport(
            "parameters",
            IsReports(plain) ? Claim.Judge(network.TotalParameters - network.OutputParameters == layers, network.TotalParameters == report) : Claim.NotSettled,
            $"{network.TotalParameters:n0} with batch normalisation on MNIST, {plain.Parameters:n0} are trained here without; without the output layer's {network.OutputParameters:n0} these are {network.TotalParameters - network.OutputParameters:n0}.",
            "parts: the layers that are listed have as many, and all of the network has. Not settled: another data set.");
    }

    private static Claim Neurons(Metrics plain)
    {
        const long convolutions = 31_360, linear = 1_000, all = 32_360;
        NetworkSummary network = ReportsNetwork();
        return Claim.OfReport(
            "neurons",
            IsReports(plain) ? Claim.Judge(network.ConvolutionNeurons == convolutions, network.LinearNeurons - 10 == linear, network.ConvolutionNeurons + network.LinearNeurons == all) : Claim.NotSettled,
            $"{network.ConvolutionNeurons:n0} of convolutions and {network.LinearNeurons:n0} of fully connected layers on MNIST, 10 of these are the outputs; {network.ConvolutionNeurons + network.LinearNeurons:n0} in all.",
            "parts: those of convolutions, those of fully connected layers but for the outputs, and all. Not settled: another data set.");
    }

    private static NetworkSummary ReportsNetwork() => NetworkSummary.Of(Network.Report(new GpuConv.Kernels.Shape(1, 28, 28), 10, batchNormalization: true));

    private static bool IsReports(Metrics plain) => plain.Data.Name == DataSet.Mnist;
}

using System.Text;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What <c>summary</c> prints, under 80 columns for the report's network.</summary>
internal static class SummaryText
{
    // The report's own total, and the layer that it leaves out.
    private const long ReportTotal = 1_044_696;

    public static string Of(NetworkSummary summary)
    {
        var table = new TextTable("layer", "", "input", "output", ">parameters", ">neurons");
        foreach (LayerSummary layer in summary.Layers)
            table.Add(layer.Name, layer.Text, $"{layer.Input}", $"{layer.Output}", layer.Parameters > 0 ? $"{layer.Parameters:n0}" : "", layer.Neurons > 0 ? $"{layer.Neurons:n0}" : "");
        var totals = new TextTable("", ">", "");
        totals.Add("convolutions", $"{summary.ConvolutionParameters:n0}", $"parameters, {NeuronSum(summary)} neurons");
        if (summary.NormalizationParameters > 0) totals.Add("normalisation", $"{summary.NormalizationParameters:n0}", "parameters");
        totals.Add("fully connected", $"{summary.LinearParameters:n0}", $"parameters, {summary.LinearNeurons:n0} neurons");
        totals.Add("all", $"{summary.TotalParameters:n0}", "parameters");
        return $"input {summary.Input}\n\n{table}\nWhere none is given, a convolution's stride is 1, a pooling's its window, the padding 0.\n\n{totals}{ReportNote(summary)}";
    }

    private static string NeuronSum(NetworkSummary summary)
    {
        long[] parts = [.. summary.Layers.Where(l => l.Neurons > 0 && l.Output.Rank == 3).Select(l => l.Neurons)];
        return parts.Length > 1 ? $"{string.Join(" + ", parts.Select(p => $"{p:n0}"))} = {parts.Sum():n0}" : $"{parts.Sum():n0}";
    }

    // Only for the network that the report describes.
    private static string ReportNote(NetworkSummary summary)
    {
        long withNormalization = summary.TotalParameters + (summary.NormalizationParameters == 0 ? 128 : 0);
        if (withNormalization - summary.OutputParameters != ReportTotal) return "";
        var text = new StringBuilder("\n");
        text.Append($"The report counts {ReportTotal:n0}: the {withNormalization:n0} parameters of the network\n");
        text.Append($"with batch normalisation without the output layer's {summary.OutputParameters:n0}.\n");
        return text.ToString();
    }
}

/// <summary>The summary as JSON.</summary>
internal sealed record SummaryJson(
    int[] Input,
    IReadOnlyList<SummaryJson.Layer> Layers,
    long ParametersConvolution,
    long ParametersNormalization,
    long ParametersFullyConnected,
    long ParametersTotal,
    long NeuronsConvolution,
    long NeuronsFullyConnected)
{
    internal sealed record Layer(string Name, string Text, int[] Input, int[] Output, long Parameters, long Neurons);

    public static SummaryJson From(NetworkSummary s) => new(
        s.Input.ToArray(),
        [.. s.Layers.Select(l => new Layer(l.Name, l.Text, l.Input.ToArray(), l.Output.ToArray(), l.Parameters, l.Neurons))],
        s.ConvolutionParameters,
        s.NormalizationParameters,
        s.LinearParameters,
        s.TotalParameters,
        s.ConvolutionNeurons,
        s.LinearNeurons);
}

using System.Globalization;
using System.Text;

namespace GpuConv.Studies;

/// <summary>The study in words, and as tables for other programs.</summary>
internal static class AttributeText
{
    public static string Of(AttributeResult result, ClassNames names)
    {
        var text = new StringBuilder();
        bool checks = result.Methods.Any(m => m.Verdict is not null), labels = result.ShuffledLabels is not null;
        string[] headings = ["method", ">deletion", ">insertion", .. checks ? new[] { ">weights: maps", ">magnitudes", ">ssim" } : [], .. labels ? new[] { ">labels: maps", ">magnitudes", ">ssim" } : [], .. checks ? new[] { "sanity" } : []];
        var table = new TextTable(headings);
        foreach (MethodSummary m in result.Methods)
        {
            string[] Columns(MapSimilarity? s) => s is null ? [] : [Number(s.Rank), Number(s.MagnitudeRank), Number(s.Structure)];
            table.Add([m.Name, Area(m.Curves.DeletionArea), Area(m.Curves.InsertionArea), .. Columns(m.AllRandomised), .. Columns(m.ShuffledLabels), .. checks ? new[] { m.Verdict! } : []]);
        }
        table.Add(["random order", Area(result.RandomOrder.DeletionArea), Area(result.RandomOrder.InsertionArea), .. Enumerable.Repeat("", headings.Length - 3)]);
        text.Append(CultureInfo.InvariantCulture, $"{result.Images.Count} {(result.Images.Count == 1 ? "image" : "images")}, the score of the {TargetText(result.Target, names)} explained; areas under the curves of its probability: a good map's deletion is small, its insertion large\n{table}");
        if (checks) text.Append(CultureInfo.InvariantCulture, $"weights: all layers drawn anew; rank correlations of the maps with those of the model, of their magnitudes, and structural similarity.{(labels ? $" labels: trained on {result.ShuffledLabels!.Images:n0} images with shuffled labels ({Percent(result.ShuffledLabels.Accuracy)} learnt by heart in {result.ShuffledLabels.Epochs} epochs)." : "")}\n{Rule}\n");
        foreach (MethodSummary m in result.Methods.Where(m => m.Verdict is SanityChecks.Fails or SanityChecks.FailsByMagnitude)) text.Append(Failure(m)).Append('\n');
        if (result.Completeness is { } c)
            text.Append(CultureInfo.InvariantCulture, $"integrated gradients, {result.Steps} steps: the attributions miss the difference of the scores by {c.MeanError:g3} in the mean, {c.LargestError:g3} at most; {(100 * c.MeanRelativeError):g2} % of it in the mean\n");
        if (result.Relevance is { } r)
            text.Append(CultureInfo.InvariantCulture, $"layer-wise relevance, epsilon {result.Epsilon:g3}: of the score {Percent(r.Input)} reach the input, epsilon takes {Percent(r.Epsilon)} ({string.Join(", ", r.EpsilonByLayer.Select(l => $"{l.Layer} {Percent(l.Share)}"))}), biases take {Percent(r.Biases)}\n");
        foreach (LeftOutMethod left in result.LeftOut) text.Append(CultureInfo.InvariantCulture, $"left out: {left.Name}. {left.Reason}\n");
        return text.ToString();
    }

    /// <summary>What makes a method fail.</summary>
    public static string Rule => string.Create(CultureInfo.InvariantCulture, $"fails: the maps' rank correlation stays above {SanityChecks.Unchanged}; fails by magnitude: only that of the magnitudes does.");

    /// <summary>The class that is explained, in words.</summary>
    public static string TargetText(string target, ClassNames names) => target switch { "predicted" => "predicted class", "label" => "true class", _ => $"class {(int.TryParse(target, CultureInfo.InvariantCulture, out int c) ? names[c] : target)}" };

    public static string Csv(AttributeResult result)
    {
        var text = new StringBuilder("image,index,label,predicted,target,score,probability,method,sum,minimum,maximum,deletion_area,insertion_area,completeness_error\n");
        for (int n = 0; n < result.Images.Count; n++)
        {
            AttributedImage i = result.Images[n];
            foreach (ImageMap m in i.Maps)
                text.Append(CultureInfo.InvariantCulture, $"{CsvText.Quoted(i.Name)},{i.Index},{i.Label},{i.Predicted},{i.Target},{i.Score},{i.Probability},{m.Method},{m.Sum},{m.Minimum},{m.Maximum},{m.DeletionArea},{m.InsertionArea},{(m.Method == "integrated-gradients" ? result.Completeness?.Errors[n] : null)}\n");
        }
        return text.ToString();
    }

    public static string SanityCsv(AttributeResult result)
    {
        var text = new StringBuilder("method,change,rank,magnitude_rank,structure,verdict\n");
        foreach (MethodSummary m in result.Methods)
            foreach (MapSimilarity s in m.Randomised.Concat(m.ShuffledLabels is { } labels ? [labels] : []))
                text.Append(CultureInfo.InvariantCulture, $"{m.Name},{s.Change},{s.Rank},{s.MagnitudeRank},{s.Structure},{m.Verdict}\n");
        return text.ToString();
    }

    private static string Failure(MethodSummary m)
    {
        string Of(MapSimilarity? s, string when) => s is null ? "" : $" {Number(m.Verdict == SanityChecks.Fails ? s.Rank : s.MagnitudeRank)} {when};";
        return $"{m.Name} {m.Verdict}: {(m.Verdict == SanityChecks.Fails ? "its maps" : "the magnitudes of its maps")} correlate with the model's{Of(m.AllRandomised, "with all weights drawn anew")}{Of(m.ShuffledLabels, "on shuffled labels")}".TrimEnd(';');
    }

    private static string Area(double value) => value.ToString("f3", CultureInfo.InvariantCulture);

    private static string Number(double? value) => value?.ToString("f2", CultureInfo.InvariantCulture) ?? "-";

    private static string Percent(double share) => (100 * share).ToString("f1", CultureInfo.InvariantCulture) + " %";
}

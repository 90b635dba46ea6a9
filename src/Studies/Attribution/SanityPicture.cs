using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>How like each method's maps stay while layers are drawn anew, and on shuffled labels: a panel for each method.</summary>
internal static class SanityPicture
{
    private const float PanelWidth = 320, PanelHeight = 236, Gap = 20, Top = 128;
    private const int MostColumns = 3;

    public static Picture Draw(AttributeResult result)
    {
        int columns = Math.Min(MostColumns, result.Methods.Count), rows = (result.Methods.Count + columns - 1) / columns;
        string title = $"Sanity checks, means over {result.Images.Count} {(result.Images.Count == 1 ? "image" : "images")}";
        string[] texts =
        [
            $"How like the maps stay to the model's when its layers are drawn anew, from the last to the first{(result.ShuffledLabels is null ? "." : ", and of a network trained on shuffled labels (right).")}",
            AttributeText.Rule.Replace("fails:", "Fails (marked by a cross):"),
        ];
        var picture = new Picture(2 * Theme.Margin + Math.Max(columns * (PanelWidth + Gap) - Gap, texts.Max(t => Picture.TextWidth(t))), Top + rows * (PanelHeight + Gap) - Gap + Theme.Margin);
        picture.Heading(title, texts[0]);
        picture.Text(texts[1], Theme.Margin, Theme.Margin + 52, Theme.TextSize, Theme.Muted);
        (string Name, SKColor Color, MarkerShape Marker, int Index, Func<MapSimilarity, double?> Value)[] measures =
        [
            ("structural similarity", Theme.Green, MarkerShape.FilledTriangleUp, 2, s => s.Structure),
            ("rank correlation of magnitudes", Theme.Vermilion, MarkerShape.FilledSquare, 1, s => s.MagnitudeRank),
            ("rank correlation of the maps", Theme.Blue, MarkerShape.FilledCircle, 0, s => s.Rank),
        ];
        float x = Theme.Margin;
        foreach ((string name, SKColor color, _, int index, _) in measures.Reverse())
        {
            picture.Line(x, Top - 24, x + 26, Top - 24, color, 2);
            FiltersPictures.DrawMarker(picture, x + 13, Top - 24, index, color);
            picture.Text(name, x + 34, Top - 20, Theme.SmallSize);
            x += 34 + Picture.TextWidth(name, Theme.SmallSize) + 26;
        }
        double lowest = result.Methods.SelectMany(m => All(m)).SelectMany(s => measures.Select(k => k.Value(s))).OfType<double>().DefaultIfEmpty(0).Min();
        for (int i = 0; i < result.Methods.Count; i++)
        {
            MethodSummary m = result.Methods[i];
            string[] changes = ["none", .. m.Randomised.Select(s => s.Change)];
            double labels = changes.Length + 0.3;
            var curves = new List<Curve>();
            foreach ((_, SKColor color, MarkerShape marker, int index, Func<MapSimilarity, double?> value) in measures)
            {
                if (index == 1 && !m.Signed) continue; // magnitudes are the maps themselves
                curves.Add(new Curve(color, marker, [(0, 1), .. m.Randomised.Select((s, k) => (k + 1.0, value(s))).Where(p => p.Item2 is not null).Select(p => (p.Item1, p.Item2!.Value))]));
                if (m.ShuffledLabels is { } s && value(s) is { } alone) curves.Add(new Curve(color, marker, [(labels, alone)]));
            }
            var ticks = new Ticks(-0.4, (m.ShuffledLabels is null ? changes.Length - 1 : labels) + 0.4, [.. changes.Select((_, k) => (double)k), .. m.ShuffledLabels is null ? Array.Empty<double>() : [labels]], [.. changes, .. m.ShuffledLabels is null ? Array.Empty<string>() : ["labels"]]);
            var rect = SKRect.Create(Theme.Margin + i % columns * (PanelWidth + Gap), Top + i / columns * (PanelHeight + Gap), PanelWidth, PanelHeight);
            new CurvePanel($"{AttributionMethods.Title(m.Name)}: {m.Verdict}", m.ShuffledLabels is null ? "drawn anew down to" : "drawn anew down to; labels: shuffled", ticks, Ticks.Linear(0, 1, 4) with { Minimum = Math.Min(0, lowest) }, curves) { LabelRoom = 40, Guides = [(SanityChecks.Unchanged, "limit")] }.Draw(picture, rect);
            if (m.Verdict is SanityChecks.Fails or SanityChecks.FailsByMagnitude) ImageGrid.DrawCross(picture, rect.Right - ImageGrid.CrossSize, rect.Top + 2);
        }
        return picture;
    }

    private static IEnumerable<MapSimilarity> All(MethodSummary m) => m.ShuffledLabels is { } labels ? m.Randomised.Append(labels) : m.Randomised;
}

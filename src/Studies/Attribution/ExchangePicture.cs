using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>Deletion and insertion curves: a panel for each method, the best first, with random orders in grey.</summary>
internal static class ExchangePicture
{
    private const float PanelWidth = 320, PanelHeight = 236, Gap = 20, Top = 112;
    private const int MostColumns = 3;

    public static Picture Draw(AttributeResult result, ClassNames names)
    {
        MethodSummary[] methods = [.. result.Methods.OrderByDescending(m => m.Curves.InsertionArea - m.Curves.DeletionArea)];
        int columns = Math.Min(MostColumns, methods.Length), rows = (methods.Length + columns - 1) / columns;
        string title = $"Deletion and insertion, means over {result.Images.Count} {(result.Images.Count == 1 ? "image" : "images")}";
        string explanation = $"The probability of the {AttributeText.TargetText(result.Target, names)} while pixels, the most important first, go ({Cover.Text(result.Baseline)} in their place) or come.";
        string area = $"The areas under the curves stand above them in their colours. Random order: insertion {result.RandomOrder.InsertionArea:f3}, deletion {result.RandomOrder.DeletionArea:f3}.";
        var picture = new Picture(
            2 * Theme.Margin + Math.Max(columns * (PanelWidth + Gap) - Gap, new[] { explanation, area }.Max(t => Picture.TextWidth(t))), Top + rows * (PanelHeight + Gap) - Gap + Theme.Margin);
        picture.Heading(title, explanation);
        picture.Text(area, Theme.Margin, Theme.Margin + 52, Theme.TextSize, Theme.Muted);
        float x = Theme.Margin;
        foreach ((string name, SKColor color, int marker) in new[] { ("insertion: high is good", Theme.Blue, 0), ("deletion: low is good", Theme.Vermilion, 1), ("random order", Theme.Muted, -1) })
        {
            picture.Line(x, Top - 22, x + 26, Top - 22, color, 2);
            if (marker >= 0) FiltersPictures.DrawMarker(picture, x + 13, Top - 22, marker, color);
            picture.Text(name, x + 34, Top - 18, Theme.SmallSize);
            x += 34 + Picture.TextWidth(name, Theme.SmallSize) + 26;
        }
        for (int i = 0; i < methods.Length; i++)
        {
            MethodSummary m = methods[i];
            Curve[] curves =
            [
                Of(result.RandomOrder.Insertion, Theme.Muted, MarkerShape.None), Of(result.RandomOrder.Deletion, Theme.Muted, MarkerShape.None),
                Of(m.Curves.Insertion, Theme.Blue, MarkerShape.FilledCircle), Of(m.Curves.Deletion, Theme.Vermilion, MarkerShape.FilledSquare),
            ];
            var rect = SKRect.Create(Theme.Margin + i % columns * (PanelWidth + Gap), Top + i / columns * (PanelHeight + Gap), PanelWidth, PanelHeight);
            // Room for the last label beyond the axis's end.
            new CurvePanel(AttributionMethods.Title(m.Name), "share of pixels", Ticks.Linear(0, 1, 4, percent: true) with { Maximum = 1.07 }, Ticks.Linear(0, 1, 4), curves) { LabelRoom = 40 }.Draw(picture, rect);
            picture.Text($"{m.Curves.InsertionArea:f3}", rect.Right - 58, rect.Top + Theme.HeadingSize, Theme.HeadingSize, Theme.Blue, bold: true, align: SKTextAlign.Right);
            picture.Text($"{m.Curves.DeletionArea:f3}", rect.Right - 8, rect.Top + Theme.HeadingSize, Theme.HeadingSize, Theme.Vermilion, bold: true, align: SKTextAlign.Right);
        }
        return picture;
    }

    private static Curve Of(double[] values, SKColor color, MarkerShape marker) => new(color, marker, [.. values.Select((v, k) => ((double)k / (values.Length - 1), v))]);
}

using GpuConv.Kernels;
using GpuConv.Net;
using ScottPlot;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of the study of attacks: accuracy against the bound, networks against one another, images before and after.</summary>
internal static class AttackPictures
{
    private const float PanelWidth = 460, PanelHeight = 380, LegendLine = 20, LegendColumn = 140;

    private static readonly SKColor[] Colors = [Theme.Blue, Theme.Vermilion, Theme.Green, Theme.Purple, new(0xe6, 0x9f, 0x00), new(0x56, 0xb4, 0xe9), Theme.Ink, Theme.Muted];

    private static readonly MarkerShape[] Markers = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledDiamond, MarkerShape.FilledTriangleUp, MarkerShape.FilledTriangleDown, MarkerShape.Cross, MarkerShape.OpenCircle, MarkerShape.OpenSquare];

    /// <summary>Accuracy against the bound: a panel for each network, a line for each attack.</summary>
    public static Picture Curves(AttackStudyResult result, ClassNames names)
    {
        string[] attacks = [.. result.Models[0].Curves.Select(c => c.Attack)];
        IReadOnlyList<AttackedModel> models = result.Models;
        int columns = Math.Min(models.Count, 3), rows = (models.Count + columns - 1) / columns;
        string title = $"Accuracy under attack by the bound on the perturbation ({NormText(result.Norm)})";
        string explanation = $"{result.Images:n0} test images{(result.Target is { } target ? $", to be taken for {(int.TryParse(target, out int wanted) ? names[wanted] : target)}" : "")}. An image fooled at a smaller bound counts as fooled at every larger one. Images are of 0 to 1.";
        float width = Math.Max(columns * PanelWidth, Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation)));
        int perLine = Math.Max(1, (int)(width / LegendColumn)), lines = (attacks.Length + perLine - 1) / perLine;
        float top = 72 + lines * LegendLine;
        var picture = new Picture(width + 2 * Theme.Margin, top + rows * PanelHeight + Theme.Margin);
        picture.Heading(title, explanation);
        for (int i = 0; i < attacks.Length; i++)
        {
            float x = Theme.Margin + i % perLine * LegendColumn, y = 76 + i / perLine * LegendLine;
            picture.Line(x, y, x + 26, y, Colors[i % Colors.Length], 2, dashed: IsDashed(i));
            DrawMarker(picture, x + 13, y, i);
            picture.Text(attacks[i], x + 33, y + Theme.TextSize * Picture.CapitalHeight / 2);
        }
        float largest = models.SelectMany(m => m.Curves).SelectMany(c => c.Points).Select(p => p.Epsilon).DefaultIfEmpty(1).Max();
        // As it was written: the float nearest to 0.4 is above it.
        Ticks across = Ticks.Linear(0, largest > 0 ? (double)(decimal)largest : 1, 6), up = Ticks.Linear(0, 1, 5, percent: true);
        // Room for the markers at the ends.
        double room = 0.02 * across.Maximum;
        across = across with { Minimum = -room, Maximum = across.Maximum + room };
        for (int i = 0; i < models.Count; i++)
        {
            AttackedModel model = models[i];
            Curve[] curves = [.. model.Curves.Select((c, k) => new Curve(Colors[k % Colors.Length], Markers[k % Markers.Length], [.. c.Points.Select(p => ((double)p.Epsilon, p.Accuracy))], Dashed: IsDashed(k)))];
            new CurvePanel($"{model.Name}: {100 * model.CleanAccuracy:f1} % clean", $"bound, {NormText(result.Norm)}", across, up, curves)
                .Draw(picture, SKRect.Create(Theme.Margin + i % columns * PanelWidth, top + i / columns * PanelHeight, PanelWidth, PanelHeight));
        }
        return picture;
    }

    /// <summary>Networks against one another.</summary>
    public static Picture Transfer(AttackStudyResult result)
    {
        TransferMatrix t = result.Transfer!;
        const float cell = 84;
        var map = new Heatmap(t.Models, t.Models, (r, c) => t.Accuracy[r][c], (r, c) => $"{100 * t.Accuracy[r][c]:f1} %", ColorScale.Viridis);
        string title = $"Networks against one another: {t.Attack}{(t.Eps is { } eps ? $", {NormText(result.Norm)} {eps:0.####}" : "")}";
        string explanation = $"Accuracy on all {result.Images} images as they were changed against the network of the row; the network of the column looks at them.";
        float labels = t.Models.Max(m => Picture.TextWidth(m, map.LabelSize(cell))) + 14, side = cell * t.Models.Count;
        float above = map.LabelHeight(cell), top = 113 + above, left = Theme.Margin + 22 + labels;
        var picture = new Picture(Math.Max(left + side + 100, 2 * Theme.Margin + Math.Max(Picture.TextWidth(explanation), Picture.TextWidth(title, Theme.TitleSize, bold: true))), top + side + Theme.Margin);
        picture.Heading(title, explanation);
        picture.TextCentred("network that looks", Math.Max(left + side / 2, left + 40), top - above - 14, Theme.TextSize, Theme.Muted);
        picture.TextUpwards("network attacked", Theme.Margin + 8, top + side / 2, Theme.TextSize, Theme.Muted);
        map.Draw(picture, left, top, cell);
        ColorScale.Viridis.DrawBar(picture, SKRect.Create(left + side + 24, top, 14, side), [(0, "0 %"), (0.5, "50 %"), (1, "100 %")]);
        return picture;
    }

    /// <summary>Images before and after an attack, and what was changed.</summary>
    public static Picture Samples(string model, AttackSamples samples, Shape shape, ClassNames names)
    {
        const float image = 92, column = 124, line = 15, top = 82, gap = 10;
        float height = image, width = image * shape[2] / shape[1];
        AttackRow attack = samples.Attack;
        float largest = samples.Images.SelectMany(s => s.After.Zip(s.Before, (a, b) => MathF.Abs(a - b))).DefaultIfEmpty(0).Max();
        string bound = attack.Eps is { } eps ? attack.Norm == "l0" ? $"at most {eps:0} elements" : $"{NormText(attack.Norm)} up to {eps:0.####}" : $"smallest perturbation by its {NormText(attack.Norm)}";
        string title = $"{attack.Name} on {model}, {bound}";
        string gain = largest > 0 ? $"The change{(largest < 0.99f ? $" is drawn {1 / largest:0.#} times as strong" : "")}: purple brighter, orange darker, its ends {largest:0.####} on images of 0 to 1." : "Nothing was changed.";
        float left = Theme.Margin + 84;
        float wide = Math.Max(left + samples.Images.Count * column, 2 * Theme.Margin + Math.Max(Picture.TextWidth(gain), Picture.TextWidth(title, Theme.TitleSize, bold: true)));
        float row = height + gap, extra = names.CaptionExtra;
        var picture = new Picture(wide, top + 3 * row + 4 * line + 2 * extra + Theme.Margin);
        picture.Heading(title, gain);
        float[] rows = [top, top + row + 1.5f * line + extra, top + 2 * row + 3 * line + extra];
        string[] steps = ["original", "change", "adversarial"];
        for (int r = 0; r < 3; r++) picture.Text(steps[r], left - 12, rows[r] + height / 2 + 4, Theme.TextSize, bold: true, align: SKTextAlign.Right);
        for (int i = 0; i < samples.Images.Count; i++)
        {
            AttackSample s = samples.Images[i];
            float x = left + i * column, middle = x + width / 2;
            SKRect At(int r) => SKRect.Create(x, rows[r], width, height);
            void Taken(int r, int c, double confidence, SKColor color) => names.DrawCaption(picture, c, ", ", PredictionGrid.Percent(confidence), middle, rows[r] + height + line - Theme.SmallSize * Picture.CapitalHeight / 2, column - ClassNames.Apart, color);
            picture.Image(Grey(s.Before, shape), At(0));
            picture.Frame(At(0), Theme.Rule);
            Taken(0, s.PredictedBefore, s.ConfidenceBefore, Theme.Muted);
            picture.Image(Change(s, shape, largest), At(1));
            picture.Frame(At(1), Theme.Rule);
            picture.Text(attack.Norm == "l0" ? $"{s.Size:0} elements" : $"{s.Size:0.###}", middle, rows[1] + height + line, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Center);
            picture.Image(Grey(s.After, shape), At(2));
            ImageGrid.DrawMark(picture, At(2), s.Fooled ? ImageMark.Wrong : ImageMark.Right);
            Taken(2, s.PredictedAfter, s.ConfidenceAfter, s.Fooled ? Theme.Vermilion : Theme.Ink);
        }
        return picture;
    }

    private static Raster Grey(float[] pixels, Shape shape) => UnitImages.Draw(pixels, 0, shape);

    // The mean over the channels.
    private static Raster Change(AttackSample sample, Shape shape, float largest)
    {
        int plane = shape[1] * shape[2];
        float[] change = [.. Enumerable.Range(0, plane).Select(i => Enumerable.Range(0, shape[0]).Average(c => sample.After[c * plane + i] - sample.Before[c * plane + i]))];
        float end = largest > 0 ? largest : 1;
        return Raster.Colored(change, shape[1], shape[2], ColorScale.Diverging, -end, end);
    }

    // As ScottPlot draws it, for the legend.
    private static void DrawMarker(Picture picture, float x, float y, int index)
    {
        using Paint paint = Paint.NewDisposablePaint();
        ScottPlot.Color color = ScottPlot.Color.FromSKColor(Colors[index % Colors.Length]);
        MarkerShape shape = Markers[index % Markers.Length];
        if (IsDashed(index)) shape = shape == MarkerShape.FilledSquare ? MarkerShape.OpenSquare : MarkerShape.OpenCircle;
        Drawing.DrawMarker(picture.Canvas, paint, new Pixel(x, y), new MarkerStyle(shape, 7, color) { LineColor = color, LineWidth = 1.5f });
    }

    // When all colours are taken once, they come again with dashes.
    private static bool IsDashed(int index) => index >= Colors.Length;

    private static string NormText(string norm) => norm switch { "l2" => "Euclidean length", "l0" => "number of elements", _ => "largest change of a pixel" };
}

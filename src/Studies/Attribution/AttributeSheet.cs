using GpuConv.Kernels;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The sheet of the study: a row for each image, a column for each method.</summary>
internal static class AttributeSheet
{
    private const float MapHeight = 88, Gap = 12, Caption = 18, Labels = 132, Top = 118;

    public static Picture Draw(AttributeResult result, IReadOnlyList<StudyImage> images, ClassNames names)
    {
        Shape shape = images[0].Shape;
        float height = MapHeight, width = Math.Max(24, MapHeight * shape[2] / shape[1]), column = Math.Max(width, 76) + Gap, row = height + Caption + Gap;
        float left = Theme.Margin + Labels, maps = (result.Methods.Count + 1) * column;
        string title = $"What counts for the score of the {AttributeText.TargetText(result.Target, names)}, by {result.Methods.Count} {(result.Methods.Count == 1 ? "method" : "methods")}";
        string[] explanation =
        [
            $"{AttributionMap.Explanation} Each map goes to its own largest magnitude, which stands below it.",
            Settings(result),
        ];
        float bars = result.Methods.Any(m => m.Signed) && result.Methods.Any(m => !m.Signed) ? 200 : 90;
        var picture = new Picture(
            Math.Max(left + maps + AttributionMap.BarRoom, 2 * Theme.Margin + Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), explanation.Max(e => Picture.TextWidth(e)))),
            Top + Math.Max(images.Count * row - Gap, bars) + Theme.Margin);
        picture.Heading(title, explanation[0]);
        picture.Text(explanation[1], Theme.Margin, Theme.Margin + 52, Theme.TextSize, Theme.Muted);
        AttributionMap.DrawHeading(picture, "Image", left + column / 2, Top - 8, column);
        for (int k = 0; k < result.Methods.Count; k++) AttributionMap.DrawHeading(picture, AttributionMethods.Title(result.Methods[k].Name), left + (k + 1.5f) * column, Top - 8, column);
        for (int r = 0; r < images.Count; r++)
        {
            AttributedImage image = result.Images[r];
            float y = Top + r * row;
            DrawLabels(picture, image, y + height / 2, names);
            SKRect Frame(int at) => SKRect.Create(left + (at + 0.5f) * column - width / 2, y, width, height);
            picture.Image(Raster.Of(images[r].Pixels, shape[0], shape[1], shape[2]), Frame(0));
            picture.Frame(Frame(0), Theme.Rule);
            for (int k = 0; k < result.Methods.Count; k++)
            {
                ImageMap map = image.Maps[k];
                SKRect frame = Frame(k + 1);
                AttributionMap.Draw(picture, frame, [.. map.Map.SelectMany(line => line)], shape[1], shape[2], result.Methods[k].Signed);
                picture.TextCentred(map.Largest == 0 ? "nothing" : $"{(result.Methods[k].Signed ? "± " : "")}{AttributionMap.Number(map.Largest)}", frame.MidX, frame.Bottom + 11, Theme.SmallSize, Theme.Muted);
            }
        }
        AttributionMap.DrawBars(picture, left + maps + 24, Top, result.Methods.Any(m => m.Signed), result.Methods.Any(m => !m.Signed));
        return picture;
    }

    private static void DrawLabels(Picture picture, AttributedImage image, float middle, ClassNames names)
    {
        bool wrong = image.Label is { } label && label != image.Predicted;
        const string explained = "explained: ";
        string target = names.Exist ? names.Fitting(image.Target, Labels - Gap - Picture.TextWidth(explained, Theme.SmallSize)) : names.Words(image.Target);
        (string Text, SKColor Color)[] lines =
        [
            .. names.VerdictLines(image.Label, image.Predicted, Labels - Gap).Select(line => (line, wrong ? Theme.Vermilion : Theme.Ink)),
            ($"{explained}{target}", Theme.Muted),
            ($"score {AttributionMap.Number(image.Score)}, P {PredictionGrid.Percent((float)image.Probability)}", Theme.Muted),
        ];
        float right = Theme.Margin + Labels - Gap;
        picture.Text(Picture.EndOf(image.Name, Labels - Gap, Theme.TextSize, bold: true), right, middle - 18, Theme.TextSize, bold: true, align: SKTextAlign.Right);
        for (int i = 0; i < lines.Length; i++) picture.Text(lines[i].Text, right, middle - 2 + 15 * i, Theme.SmallSize, lines[i].Color, align: SKTextAlign.Right);
    }

    private static string Settings(AttributeResult result)
    {
        bool Has(string name) => result.Methods.Any(m => m.Name == name);
        string[] parts =
        [
            .. Has("smoothgrad") ? new[] { $"SmoothGrad: {result.Samples} copies, noise {result.Noise:0.##} of the range" } : [],
            .. Has("integrated-gradients") ? new[] { $"integrated gradients: {result.Steps} steps from {Cover.Text(result.Baseline)}" } : [],
            .. result.GradCamLayer is { } layer ? new[] { $"Grad-CAM: {layer}, enlarged bilinearly" } : [],
            .. Has("lrp") ? new[] { $"LRP: epsilon {result.Epsilon:0.####}" } : [],
            .. Has("occlusion") ? new[] { $"occlusion: loss of score under {result.Window} x {result.Window} of {Cover.Text(result.Baseline)}" } : [],
        ];
        string all = string.Join("; ", parts);
        return all.Length == 0 ? "" : $"{char.ToUpperInvariant(all[0])}{all[1..]}.";
    }
}

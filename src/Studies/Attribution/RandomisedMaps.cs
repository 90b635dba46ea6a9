using GpuConv.Kernels;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The first image's maps while layers are drawn anew: a row for each method, a column for each change (figure 2 of Adebayo et al. 2018).</summary>
internal static class RandomisedMaps
{
    private const float MapHeight = 76, Gap = 12, Labels = 150, Top = 104;

    public static Picture Draw(AttributeResult result, FirstMaps first, StudyImage image, ClassNames names)
    {
        Shape shape = image.Shape;
        float height = MapHeight, width = Math.Max(24, MapHeight * shape[2] / shape[1]), column = Math.Max(width, 64) + Gap, row = height + Gap;
        float left = Theme.Margin + Labels;
        string title = $"{image.Name}: maps for {names.Words(result.Images[0].Target)} as layers are drawn anew, from the last to the first";
        string explanation = $"{AttributionMap.Explanation} Each map goes to its own largest magnitude. Below each name the verdict over all images.";
        float maps = (first.Changes.Count + 1) * column;
        var picture = new Picture(
            Math.Max(left + maps + AttributionMap.BarRoom, 2 * Theme.Margin + Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation))),
            Top + Math.Max(result.Methods.Count * row - Gap, 200) + Theme.Margin);
        picture.Heading(title, explanation);
        string[] columns = ["the model", .. first.Changes.Select(c => c == SanityChecks.Labels ? "shuffled labels" : $"{c}")];
        for (int c = 0; c < columns.Length; c++) AttributionMap.DrawHeading(picture, columns[c], left + (c + 0.5f) * column, Top - 8, column);
        for (int k = 0; k < result.Methods.Count; k++)
        {
            MethodSummary m = result.Methods[k];
            float y = Top + k * row, right = left - Gap;
            picture.Text(AttributionMethods.Title(m.Name), right, y + height / 2 - 2, Theme.TextSize, bold: true, align: SKTextAlign.Right);
            picture.Text(m.Verdict ?? "", right, y + height / 2 + 14, Theme.SmallSize, m.Verdict == SanityChecks.Passes ? Theme.Muted : Theme.Vermilion, align: SKTextAlign.Right);
            for (int c = 0; c < columns.Length; c++) AttributionMap.Draw(picture, SKRect.Create(left + (c + 0.5f) * column - width / 2, y, width, height), first.Maps[k][c], shape[1], shape[2], m.Signed);
        }
        AttributionMap.DrawBars(picture, left + maps + 24, Top, result.Methods.Any(m => m.Signed), result.Methods.Any(m => !m.Signed));
        return picture;
    }
}

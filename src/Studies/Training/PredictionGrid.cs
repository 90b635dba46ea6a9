
namespace GpuConv.Studies;

/// <summary>The picture <c>predictions.png</c>: images with their true and predicted class.</summary>
internal static class PredictionGrid
{
    private const float ImageHeight = 72;
    private const int MostColumns = 10;

    public static byte[] Draw(IReadOnlyList<Prediction> predictions, IReadOnlyList<string>? classNames)
    {
        GridImage[] images = [.. predictions.Select(p => new GridImage(
            Raster.Grey(p.Pixels, p.Height, p.Width),
            p.IsRight ? $"{Name(p.Predicted)}" : $"{Name(p.Predicted)}, not {Name(p.Label)}",
            Percent(p.Probability),
            p.IsRight ? ImageMark.Right : ImageMark.Wrong))];
        int columns = Math.Clamp((int)Math.Ceiling(Math.Sqrt(1.6 * images.Length)), 1, MostColumns);
        var grid = new ImageGrid(images, columns, ImageHeight);

        int right = predictions.Count(p => p.IsRight);
        string title = $"Predictions: {right} of {predictions.Count} right";
        string explanation = "Below each image: predicted class and its probability.";
        string mistakes = "Mistakes are framed and crossed: predicted, not true.";
        float key = Math.Max(Picture.TextWidth(explanation), Picture.TextWidth(mistakes) + 24);
        const float top = 88;
        using var picture = new Picture(
            2 * Theme.Margin + Math.Max(grid.Width, Math.Max(key, Picture.TextWidth(title, Theme.TitleSize, bold: true))), top + grid.Height + Theme.Margin);
        picture.Text(title, Theme.Margin, Theme.Margin + Theme.TitleSize * 0.8f, Theme.TitleSize, bold: true);
        picture.Text(explanation, Theme.Margin, 54, Theme.TextSize, Theme.Muted);
        if (right < predictions.Count)
        {
            ImageGrid.DrawCross(picture, Theme.Margin, 60);
            picture.Text(mistakes, Theme.Margin + 22, 72, Theme.TextSize, Theme.Vermilion);
        }
        grid.Draw(picture, Theme.Margin, top);
        return picture.ToPng();

        string Name(int label) => ConfusionMatrix.Name(label, classNames);
    }

    /// <summary>A probability, never rounded up to certainty.</summary>
    internal static string Percent(double probability) => probability switch
    {
        > 0.9995 => ">\u200999.9 %",
        _ => $"{probability * 100:F1} %",
    };
}

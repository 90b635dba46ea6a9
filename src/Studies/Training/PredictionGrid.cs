namespace GpuConv.Studies;

/// <summary>The pictures <c>predictions.png</c> and <c>mistakes.png</c>: images with their true and predicted class.</summary>
internal static class PredictionGrid
{
    // Two pixels are a unit: images get a whole number of pixels for each of theirs, about so many in all.
    private const int ImagePixels = 144;
    private const int MostColumns = 10;

    /// <summary>Images as they come.</summary>
    public static Picture Draw(IReadOnlyList<Prediction> predictions, IReadOnlyList<string>? classNames)
    {
        int labelled = predictions.Count(p => p.Label is not null), wrong = predictions.Count(p => p.IsWrong);
        string title = labelled == 0 ? "Predictions" : $"Predictions: {labelled - wrong} of {labelled} right";
        string explanation = labelled == 0 ? "Below each image: the predicted class and its probability." : "Below each image: the predicted class and its probability; the true class.";
        return Draw(predictions, title, explanation, wrong > 0 ? "Framed and crossed: mistakes." : null, classNames);
    }

    /// <summary>The most confident mistakes, in order.</summary>
    /// <param name="mistakes">Those that are shown.</param>
    /// <param name="all">How many there are.</param>
    /// <param name="images">Of how many images.</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static Picture DrawMistakes(IReadOnlyList<Prediction> mistakes, int all, int images, IReadOnlyList<string>? classNames)
    {
        string share = $"{all:n0} of {images:n0} images wrong";
        string title = all == 0 ? $"Mistakes: none in {images:n0} images" : all == mistakes.Count ? $"Mistakes: {share}" : $"The {mistakes.Count} most confident mistakes; {share}";
        return Draw(mistakes, title, "The most confident first. Below each image: the predicted class and its probability; the true class and its probability; the image's number.", null, classNames, showIndex: true);
    }

    private static Picture Draw(IReadOnlyList<Prediction> predictions, string title, string explanation, string? key, IReadOnlyList<string>? classNames, bool showIndex = false)
    {
        GridImage[] images = [.. predictions.Select(p => new GridImage(
            Raster.Of(p.Pixels, p.Channels, p.Height, p.Width),
            $"{Name(p.Predicted)}: {Percent(p.Probability)}",
            p.Label is not { } label ? "" : $"true: {Name(label)}{(p.TrueProbability is { } own ? $" ({Percent(own)})" : "")}{(showIndex ? $" \u00b7 {p.Index}" : "")}",
            p.IsWrong ? ImageMark.Wrong : ImageMark.Right))];
        int columns = Math.Clamp((int)Math.Ceiling(Math.Sqrt(1.6 * images.Length)), 1, MostColumns);
        int tallest = predictions.Select(p => p.Height).DefaultIfEmpty(1).Max();
        var grid = new ImageGrid(images, columns, tallest * Math.Max(1, MathF.Round((float)ImagePixels / tallest)) / 2);

        float widest = Math.Max(images.Length == 0 ? 0 : grid.Width, Picture.TextWidth(title, Theme.TitleSize, bold: true));
        // A narrow grid does not hold the explanation on one line.
        string[] lines = images.Length == 0 ? [] : Picture.Wrap(explanation, Math.Max(widest, 340));
        widest = Math.Max(widest, lines.Select(line => Picture.TextWidth(line)).DefaultIfEmpty(0).Max());
        float top = 56 + 18 * lines.Length + (key is null ? 0 : 18);
        var picture = new Picture(2 * Theme.Margin + widest, images.Length == 0 ? 60 : top + grid.Height + Theme.Margin);
        picture.Text(title, Theme.Margin, Theme.Margin + Theme.TitleSize * 0.8f, Theme.TitleSize, bold: true);
        float baseline = 56;
        foreach (string line in lines)
        {
            picture.Text(line, Theme.Margin, baseline, Theme.TextSize, Theme.Muted);
            baseline += 18;
        }
        if (key is not null)
        {
            ImageGrid.DrawCross(picture, Theme.Margin, baseline - 12);
            picture.Text(key, Theme.Margin + 22, baseline, Theme.TextSize, Theme.Vermilion);
        }
        grid.Draw(picture, Theme.Margin, top);
        return picture;

        string Name(int label) => new ClassNames(classNames).Short(label);
    }

    /// <summary>A probability, never rounded to certainty or to impossibility.</summary>
    internal static string Percent(double probability) => probability switch
    {
        > 0.9995 => ">\u200999.9 %",
        > 0 and < 0.0005 => "<\u20090.1 %",
        _ => $"{probability * 100:F1} %",
    };
}

using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The picture <c>confusion.png</c>: which class was taken for which.</summary>
internal static class ConfusionMatrix
{
    private const float ShareWidth = 100;
    private const float BarWidth = 92;

    private static readonly int[] ScaleTicks = [0, 1, 5, 20, 50, 100]; // percent

    /// <param name="counts">Images of each true class (row) by predicted class (column).</param>
    /// <param name="classNames">Names of the classes, or null for their numbers.</param>
    public static Picture Draw(IReadOnlyList<IReadOnlyList<int>> counts, IReadOnlyList<string>? classNames)
    {
        int classes = counts.Count;
        if (classes == 0 || counts.Any(row => row.Count != classes)) throw new ArgumentException("A confusion matrix is square and not empty.", nameof(counts));
        long[] totals = [.. counts.Select(row => row.Sum(n => (long)n))];
        long[] taken = [.. Enumerable.Range(0, classes).Select(column => counts.Sum(row => (long)row[column]))];
        long images = totals.Sum(), right = Enumerable.Range(0, classes).Sum(i => (long)counts[i][i]);
        string[] names = [.. Enumerable.Range(0, classes).Select(new ClassNames(classNames).Short)];

        // The share in a row; its square root is coloured, so that a mistake in a hundred is seen beside the diagonal.
        double Share(int row, int column) => totals[row] == 0 ? 0 : (double)counts[row][column] / totals[row];
        var map = new Heatmap(names, names, (row, column) => Math.Sqrt(Share(row, column)), (row, column) => counts[row][column] == 0 ? "" : counts[row][column].ToString(), ColorScale.Blues);

        float cell = Math.Clamp(620f / classes, 12, 52);
        float label = map.LabelSize(cell);
        float widestName = names.Max(name => Picture.TextWidth(name, label));
        float side = classes * cell, left = Theme.Margin + 26 + widestName + 8;
        const float headingHeight = 56;
        float top = Theme.Margin + headingHeight + 20 + map.LabelHeight(cell);
        // The scale at the right needs room for its own ticks, however small the matrix.
        float bottom = Math.Max(top + side, top + 150);
        string title = $"Confusion matrix: {(images == 0 ? "no images" : $"{right:n0} of {images:n0} images right ({Percent(right, images)})")}";
        const string explanation = "Colour: share of the true class's images, on a square-root scale. Cells without a number: 0.";
        const string explanationWithoutCounts = "Colour: share of the true class's images, on a square-root scale.";
        string shown = map.ShowsText(cell) ? explanation : explanationWithoutCounts;
        string[] notes =
        [
            "Recall: the share of a class's images that were taken for it. Precision: the share of the images taken for a class that are of it.",
            .. totals.Contains(0) || taken.Contains(0) ? ["none: there is no such image, so the share is undefined."] : Array.Empty<string>(),
        ];
        float width = Math.Max(left + side + 2 * ShareWidth + BarWidth, Theme.Margin + Math.Max(Picture.TextWidth(title, Theme.TitleSize, true), Picture.TextWidth(shown)));
        string[] lines = [.. notes.SelectMany(note => Picture.Wrap(note, width - Theme.Margin))];
        var picture = new Picture(width + Theme.Margin, bottom + 8 + 17 * lines.Length + Theme.Margin);

        picture.Heading(title, shown);
        picture.TextCentred("predicted class", Math.Max(left + side / 2, left + Picture.TextWidth("predicted class") / 2 - 20), top - map.LabelHeight(cell) - 12, Theme.TextSize, Theme.Muted);
        picture.TextUpwards("true class", Theme.Margin + 8, Math.Max(top + side / 2, top + Picture.TextWidth("true class") / 2), Theme.TextSize, Theme.Muted);
        map.Draw(picture, left, top, cell);
        DrawShares(picture, "recall", left + side + 14, top, cell, classes, i => totals[i] == 0 ? null : Share(i, i));
        DrawShares(picture, "precision", left + side + 14 + ShareWidth, top, cell, classes, i => taken[i] == 0 ? null : (double)counts[i][i] / taken[i]);
        for (int i = 0; i < lines.Length; i++) picture.Text(lines[i], Theme.Margin, bottom + 24 + 17 * i, Theme.TextSize, Theme.Muted);

        float barTop = top, barHeight = Math.Min(bottom - top, 260);
        (double, string)[] ticks = [.. ScaleTicks.Select(percent => (Math.Sqrt(percent / 100.0), $"{percent} %"))];
        ColorScale.Blues.DrawBar(picture, SKRect.Create(left + side + 2 * ShareWidth + 30, barTop, 14, barHeight), ticks);
        return picture;
    }

    /// <summary>Beside each row a share that belongs to its class: a bar and the number.</summary>
    private static void DrawShares(Picture picture, string heading, float left, float top, float cell, int classes, Func<int, double?> share)
    {
        float size = Math.Clamp(cell * 0.85f, 7, Theme.SmallSize);
        const float barWidth = 30;
        picture.Text(heading, left, top - 6, Theme.SmallSize, Theme.Muted);
        for (int i = 0; i < classes; i++)
        {
            float middle = top + (i + 0.5f) * cell, height = Math.Min(cell * 0.6f, 10);
            double? value = share(i);
            var full = SKRect.Create(left, middle - height / 2, barWidth, height);
            picture.Fill(full, Theme.Grid);
            picture.Fill(SKRect.Create(full.Left, full.Top, barWidth * (float)(value ?? 0), height), Theme.Blue);
            picture.Text(value is { } v ? (v == 1 ? "100 %" : PredictionGrid.Percent(v)) : "none", left + barWidth + 5, middle + size * Picture.CapitalHeight / 2, size, value is null ? Theme.Muted : null);
        }
    }

    /// <summary>A share to a hundredth of a percent, never rounded to all.</summary>
    private static string Percent(long part, long whole) => part < whole && 100.0 * part / whole > 99.99 ? ">\u200999.99 %" : $"{100.0 * part / whole:F2} %";
}

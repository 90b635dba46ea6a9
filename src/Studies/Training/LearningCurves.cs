using GpuConv.Net;
using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// The picture <c>curves.png</c>: loss, accuracy and error by epoch, and what they say about overfitting. What was measured while the network
/// learnt stands where it was measured: the mean over an epoch at its middle, a validation at its end.
/// </summary>
internal static class LearningCurves
{
    private const float Width = 1000;
    private const float PanelsHeight = 740;
    private const float LineHeight = 17;
    private const int MostMarkers = 60;

    private static readonly Series TrainingSeries = new("training", Theme.Blue, MarkerShape.FilledCircle);
    private static readonly Series ValidationSeries = new("validation", Theme.Vermilion, MarkerShape.FilledSquare);

    /// <summary>A series: its name in the legend, and a colour and a marker that belong together in every panel.</summary>
    private sealed record Series(string Name, SKColor Color, MarkerShape Marker);

    public static Picture Draw(IReadOnlyList<EpochRow> history, int? bestEpoch, IReadOnlyList<RunningMean> progress)
    {
        Overfitting overfitting = Overfitting.Of(history);
        string[] finding = history.Count == 0 ? [] : Picture.Wrap(overfitting.Text, Width - 2 * Theme.Margin);
        string[] explanation = history.Count == 0 ? [] : Picture.Wrap(Explanation(history, progress), Width - 2 * Theme.Margin);
        var picture = new Picture(Width, PanelsHeight + LineHeight * (finding.Length + explanation.Length) + Theme.Margin - 6);
        bool validated = history.Any(row => row.ValidationLoss is not null || row.ValidationAccuracy is not null);
        EpochRow? best = bestEpoch is null ? null : history.FirstOrDefault(row => row.Epoch == bestEpoch);
        DrawHeading(picture, history, validated, best);

        const float top = 66, gap = 26;
        float half = (Width - 2 * Theme.Margin - gap) / 2;
        float upper = 330, lower = PanelsHeight - top - upper - gap - Theme.Margin;
        if (history.Count == 0)
        {
            picture.TextCentred("No epoch was finished.", Width / 2, PanelsHeight / 2, Theme.HeadingSize, Theme.Muted);
            return picture;
        }

        (double, double)[] trainLoss = Points(history, row => row.TrainLoss, 0.5), validationLoss = Points(history, row => row.ValidationLoss);
        (double, double)[] insideLoss = Inside(progress, p => p.Loss), insideAccuracy = Inside(progress, p => p.Accuracy);
        double highest = trainLoss.Concat(validationLoss).Concat(AfterTheStart(history, insideLoss)).Select(p => p.Item2).DefaultIfEmpty(1).Max();
        int? risesAfter = overfitting.Kind == OverfittingKind.Found ? overfitting.Epoch : null;
        DrawPanel(picture, SKRect.Create(Theme.Margin, top, half, upper), "Loss (mean negative log-likelihood, nats)", history, best,
            trainLoss, validationLoss, Ticks.Linear(0, highest > 0 ? highest : 1), insideLoss, risesAfter);

        (double, double)[] trainAccuracy = Points(history, row => row.TrainAccuracy, 0.5), validationAccuracy = Points(history, row => row.ValidationAccuracy);
        double[] accuracies = [.. trainAccuracy.Concat(validationAccuracy).Concat(AfterTheStart(history, insideAccuracy)).Select(p => p.Item2)];
        (double lowest, double largest) = accuracies.Length == 0 ? (0, 1) : (accuracies.Min(), accuracies.Max());
        if (lowest == largest) (lowest, largest) = (Math.Max(0, lowest - 0.02), Math.Min(1, largest + 0.02)); // one value spans no axis
        DrawPanel(picture, SKRect.Create(Theme.Margin + half + gap, top, half, upper), "Accuracy", history, best,
            trainAccuracy, validationAccuracy, Ticks.Linear(lowest, largest, percent: true), insideAccuracy);

        DrawError(picture, SKRect.Create(Theme.Margin, top + upper + gap, Width - 2 * Theme.Margin, lower), history, best, trainAccuracy, validationAccuracy);
        float baseline = PanelsHeight + 2;
        foreach (string line in finding) picture.Text(line, Theme.Margin, baseline += LineHeight);
        foreach (string line in explanation) picture.Text(line, Theme.Margin, baseline += LineHeight, color: Theme.Muted);
        return picture;
    }

    private static string Explanation(IReadOnlyList<EpochRow> history, IReadOnlyList<RunningMean> progress)
    {
        string training = progress.Count > 0
            ? "Training: means while the network learns, over an epoch (marks, at its middle) and over a part of one (thin line, the very first may lie beyond the axes)."
            : "Training: means over an epoch while the network learns, drawn at its middle.";
        return history.Any(row => row.ValidationLoss is not null) ? $"{training} Validation: with the weights at the end of an epoch." : training;
    }

    /// <summary>The error on a logarithmic axis, which has no place for 0: such points stand at the foot, on a tick of their own.</summary>
    private static void DrawError(Picture picture, SKRect rect, IReadOnlyList<EpochRow> history, EpochRow? best, (double, double)[] trainAccuracy, (double, double)[] validationAccuracy)
    {
        double[] errors = [.. trainAccuracy.Concat(validationAccuracy).Select(p => 1 - p.Item2)];
        double[] positive = [.. errors.Where(e => e > 1e-9)];
        double smallest = positive.DefaultIfEmpty(0.01).Min(), largest = positive.DefaultIfEmpty(1).Max();
        Ticks ticks = Ticks.LogPercent(smallest, largest);
        double floor = ticks.Minimum - Math.Max(0.15, (ticks.Maximum - ticks.Minimum) * 0.12);
        if (positive.Length < errors.Length)
            ticks = new Ticks(floor - 0.1, ticks.Maximum, [floor, .. ticks.Positions], ["0 %", .. ticks.Labels]);
        DrawPanel(picture, rect, "Error = 1 \u2212 accuracy (logarithmic axis)", history, best, Logarithms(trainAccuracy), Logarithms(validationAccuracy), ticks);

        (double, double)[] Logarithms((double, double)[] points) => [.. points.Select(p => (p.Item1, 1 - p.Item2 > 1e-9 ? Math.Log10(1 - p.Item2) : floor))];
    }

    private static void DrawHeading(Picture picture, IReadOnlyList<EpochRow> history, bool validated, EpochRow? best)
    {
        float baseline = Theme.Margin + Theme.TitleSize * 0.8f;
        picture.Text("Training", Theme.Margin, baseline, Theme.TitleSize, bold: true);
        float titleWidth = Picture.TextWidth("Training", Theme.TitleSize, bold: true);
        string length = history.Count == 1 ? "1 epoch" : $"{history.Count} epochs";
        if (history.Count > 0) picture.Text($"{length}, {history.Sum(row => row.Seconds):F1} s", Theme.Margin + titleWidth + 12, baseline, Theme.TextSize, Theme.Muted);

        // The legend serves all panels and stands outside them, where it hides no point.
        float x = picture.Width - Theme.Margin, y = baseline - Theme.TextSize * Picture.CapitalHeight / 2;
        if (best is not null)
        {
            x = Label(best.ValidationAccuracy is { } accuracy ? $"best epoch: {best.Epoch} ({accuracy * 100:F2} % validation accuracy)" : $"best epoch: {best.Epoch}");
            picture.Line(x, y, x - 24, y, Theme.Muted, 1.5f, dashed: true);
            x -= 44;
        }
        if (history.Count == 0) return;
        if (validated) Key(ValidationSeries);
        Key(TrainingSeries);

        float Label(string text)
        {
            picture.Text(text, x, baseline, align: SKTextAlign.Right);
            return x - Picture.TextWidth(text) - 8;
        }

        void Key(Series series)
        {
            x = Label(series.Name);
            picture.Line(x, y, x - 24, y, series.Color, 2);
            if (series.Marker == MarkerShape.FilledCircle) picture.Dot(x - 12, y, 4, series.Color);
            else picture.Fill(SKRect.Create(x - 16, y - 4, 8, 8), series.Color);
            x -= 44;
        }
    }

    private static void DrawPanel(Picture picture, SKRect rect, string title, IReadOnlyList<EpochRow> history, EpochRow? best, (double, double)[] training, (double, double)[] validation, Ticks vertical,
        (double, double)[]? inside = null, int? risesAfter = null)
    {
        using Plot plot = EmbeddedFont.NewPlot();
        int begin = history[0].Epoch - 1, end = history[^1].Epoch;
        Ticks horizontal = Ticks.Whole(begin, end, rect.Width > 600 ? 22 : 12);
        double room = (vertical.Maximum - vertical.Minimum) * 0.03, side = (end - begin) * 0.03;
        plot.Axes.SetLimits(begin - side, end + side, vertical.Minimum - room, vertical.Maximum + room);
        Style(plot.Axes.Bottom, horizontal);
        Style(plot.Axes.Left, vertical);
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Axes.Bottom.Label.Text = "epoch";
        plot.Axes.Bottom.Label.FontSize = Theme.TextSize;
        plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Bottom.Label.ForeColor = Color.FromSKColor(Theme.Muted);
        plot.Grid.MajorLineColor = Color.FromSKColor(Theme.Grid);
        plot.FigureBackground.Color = plot.DataBackground.Color = Color.FromSKColor(Theme.Background);
        plot.Layout.Fixed(new PixelPadding(58, 8, 44, 26));

        if (risesAfter is { } turn)
        {
            plot.Add.HorizontalSpan(turn, end + side, Color.FromSKColor(Theme.VermilionTint)).LineStyle.Width = 0;
        }
        if (best is not null)
        {
            ScottPlot.Plottables.VerticalLine line = plot.Add.VerticalLine(best.Epoch, 1.5f, Color.FromSKColor(Theme.Muted), LinePattern.Dashed);
            line.IsDraggable = false;
        }
        if (risesAfter is not null)
        {
            ScottPlot.Plottables.Text label = plot.Add.Text("overfitting", end + side, vertical.Maximum + room);
            label.LabelAlignment = Alignment.UpperRight;
            label.LabelFontName = EmbeddedFont.Family;
            label.LabelFontSize = Theme.SmallSize;
            label.LabelFontColor = Color.FromSKColor(Theme.Vermilion);
            label.LabelPadding = 4;
            label.LabelBackgroundColor = Color.FromSKColor(Theme.VermilionTint);
        }
        if (inside is { Length: > 0 })
        {
            ScottPlot.Plottables.Scatter thin = plot.Add.ScatterLine([.. inside.Select(p => p.Item1)], (double[])[.. inside.Select(p => p.Item2)], Color.FromSKColor(Theme.Blue).WithAlpha(0.45));
            thin.LineWidth = 1;
        }
        Add(TrainingSeries, training);
        Add(ValidationSeries, validation);
        picture.Canvas.Save();
        picture.Canvas.ClipRect(new SKRect(rect.Left, rect.Top, rect.Right, rect.Bottom)); // ScottPlot clears all that it may draw on
        plot.Render(picture.Canvas, new PixelRect(rect.Left, rect.Right, rect.Bottom, rect.Top));
        picture.Canvas.Restore();
        picture.Text(title, rect.Left + 2, rect.Top + 14, Theme.HeadingSize, bold: true);

        void Add(Series series, (double X, double Y)[] points)
        {
            if (points.Length == 0) return;
            ScottPlot.Plottables.Scatter scatter = plot.Add.Scatter([.. points.Select(p => p.X)], (double[])[.. points.Select(p => p.Y)], Color.FromSKColor(series.Color));
            scatter.LineWidth = 2;
            scatter.MarkerShape = series.Marker;
            scatter.MarkerSize = points.Length <= MostMarkers ? 7 : 0;
        }
    }

    private static void Style(IAxis axis, Ticks ticks)
    {
        axis.TickGenerator = new NumericManual(ticks.Positions, ticks.Labels);
        axis.TickLabelStyle.FontSize = Theme.SmallSize;
        axis.TickLabelStyle.ForeColor = Color.FromSKColor(Theme.Muted);
        axis.FrameLineStyle.Color = axis.MajorTickStyle.Color = Color.FromSKColor(Theme.Rule);
    }

    /// <summary>
    /// The epochs that have the value, at their end or so much before; a value that is not a finite number (a diverged run) has no place in a picture.
    /// </summary>
    private static (double X, double Y)[] Points(IReadOnlyList<EpochRow> history, Func<EpochRow, double?> value, double before = 0) =>
        [.. history.Where(row => value(row) is { } v && double.IsFinite(v)).Select(row => (row.Epoch - before, value(row)!.Value))];

    private static (double X, double Y)[] Inside(IReadOnlyList<RunningMean> progress, Func<RunningMean, double> value) =>
        [.. progress.Where(p => double.IsFinite(value(p))).Select(p => (p.Epoch, value(p)))];

    /// <summary>Without the first tenth of the training, whose steep beginning would leave no room for the rest.</summary>
    private static IEnumerable<(double X, double Y)> AfterTheStart(IReadOnlyList<EpochRow> history, (double X, double Y)[] points) =>
        points.Where(p => p.X - (history[0].Epoch - 1) > 0.1 * (history[^1].Epoch - history[0].Epoch + 1));
}

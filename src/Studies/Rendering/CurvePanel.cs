using ScottPlot;
using ScottPlot.TickGenerators;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>A line of a panel.</summary>
/// <param name="Color">Its colour.</param>
/// <param name="Marker">The shape at its points, so that colour is not all that tells lines apart.</param>
/// <param name="Points">Its points, from left to right.</param>
/// <param name="Band">What lies around it, as (x, low, high): a range of several runs.</param>
/// <param name="Dashed">Whether the line is dashed and its markers are hollow.</param>
internal sealed record Curve(
    SKColor Color, MarkerShape Marker, IReadOnlyList<(double X, double Y)> Points, IReadOnlyList<(double X, double Low, double High)>? Band = null, bool Dashed = false);

/// <summary>Axes with lines in them: a part of a picture.</summary>
/// <param name="Title">What is shown, with its unit.</param>
/// <param name="XLabel">What the horizontal axis shows; empty for none.</param>
/// <param name="X">The horizontal axis.</param>
/// <param name="Y">The vertical axis.</param>
/// <param name="Curves">The lines, the last one on top.</param>
internal sealed record CurvePanel(string Title, string XLabel, Ticks X, Ticks Y, IReadOnlyList<Curve> Curves)
{
    private const int MostMarkers = 60;
    private const byte BandOpacity = 48;
    private const float GuideRoom = 40;

    /// <summary>Thin lines across the panel at heights that matter, with their names outside at the right, where no line runs through them.</summary>
    public IReadOnlyList<(double Y, string Name)> Guides { get; init; } = [];

    /// <summary>Room at the left for the labels of the vertical axis.</summary>
    public float LabelRoom { get; init; } = 58;

    /// <summary>The size of the title.</summary>
    public float TitleSize { get; init; } = Theme.HeadingSize;

    public void Draw(Picture picture, SKRect rect)
    {
        using Plot plot = EmbeddedFont.NewPlot();
        double room = (Y.Maximum - Y.Minimum) * 0.03;
        plot.Axes.SetLimits(X.Minimum, X.Maximum, Y.Minimum - room, Y.Maximum + room);
        Style(plot.Axes.Bottom, X);
        Style(plot.Axes.Left, Y);
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Axes.Bottom.Label.Text = XLabel;
        plot.Axes.Bottom.Label.FontSize = Theme.TextSize;
        plot.Axes.Bottom.Label.Bold = false;
        plot.Axes.Bottom.Label.ForeColor = Color.FromSKColor(Theme.Muted);
        plot.Grid.MajorLineColor = Color.FromSKColor(Theme.Grid);
        plot.FigureBackground.Color = plot.DataBackground.Color = Color.FromSKColor(Theme.Background);
        var padding = new PixelPadding(LabelRoom, Guides.Count > 0 ? GuideRoom : 8, XLabel.Length > 0 ? 44 : 26, TitleSize + 12);
        plot.Layout.Fixed(padding);

        foreach ((double y, _) in Guides) plot.Add.HorizontalLine(y, 1, Color.FromSKColor(Theme.Muted), LinePattern.Dotted);
        foreach (Curve curve in Curves.Where(c => c.Band is { Count: > 1 }))
        {
            ScottPlot.Plottables.FillY band = plot.Add.FillY([.. curve.Band!.Select(p => p.X)], [.. curve.Band!.Select(p => p.Low)], [.. curve.Band!.Select(p => p.High)]);
            band.FillColor = Color.FromSKColor(curve.Color.WithAlpha(BandOpacity));
            band.LineWidth = 0;
            band.MarkerSize = 0;
        }
        foreach (Curve curve in Curves) Add(plot, curve);

        picture.Canvas.Save();
        picture.Canvas.ClipRect(rect); // ScottPlot clears all that it may draw on
        plot.Render(picture.Canvas, new PixelRect(rect.Left, rect.Right, rect.Bottom, rect.Top));
        picture.Canvas.Restore();
        picture.Text(Title, rect.Left + 2, rect.Top + TitleSize, TitleSize, bold: true);
        float height = rect.Height - padding.Top - padding.Bottom;
        foreach ((double y, string name) in Guides)
        {
            double share = (y - Y.Minimum + room) / (Y.Maximum - Y.Minimum + 2 * room);
            if (share is > 0 and < 1) picture.Text(name, rect.Right - GuideRoom + 6, rect.Bottom - padding.Bottom - (float)share * height + Theme.SmallSize * Picture.CapitalHeight / 2, Theme.SmallSize, Theme.Muted);
        }
    }

    private static void Add(Plot plot, Curve curve)
    {
        if (curve.Points.Count == 0) return;
        ScottPlot.Plottables.Scatter scatter = plot.Add.Scatter([.. curve.Points.Select(p => p.X)], (double[])[.. curve.Points.Select(p => p.Y)], Color.FromSKColor(curve.Color));
        scatter.LineWidth = 2;
        scatter.MarkerShape = curve.Marker;
        scatter.MarkerSize = curve.Points.Count <= MostMarkers ? 7 : 0;
        if (!curve.Dashed) return;
        scatter.LinePattern = LinePattern.Dashed;
        scatter.LineWidth = 1.5f;
        scatter.MarkerShape = curve.Marker == MarkerShape.FilledSquare ? MarkerShape.OpenSquare : MarkerShape.OpenCircle;
        scatter.MarkerLineColor = Color.FromSKColor(curve.Color);
        scatter.MarkerLineWidth = 1.5f;
    }

    private static void Style(IAxis axis, Ticks ticks)
    {
        axis.TickGenerator = new NumericManual(ticks.Positions, ticks.Labels);
        axis.TickLabelStyle.FontSize = Theme.SmallSize;
        axis.TickLabelStyle.ForeColor = Color.FromSKColor(Theme.Muted);
        axis.FrameLineStyle.Color = axis.MajorTickStyle.Color = Color.FromSKColor(Theme.Rule);
    }
}

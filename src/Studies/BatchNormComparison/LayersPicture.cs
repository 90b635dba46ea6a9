using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The picture <c>layers</c>: the distribution of activations and gradients, layer by layer, over the epochs.</summary>
internal static class LayersPicture
{
    private const float PanelWidth = 205, PanelHeight = 132, Heading = 26, AxisLabel = 18;

    public static Picture Draw(Comparison c)
    {
        IReadOnlyList<LayerFigure> layers = LayerFigure.All(c);
        Row[] rows =
        [
            new("Before the ReLU (behind batch normalisation; fc3: the scores): standard deviation (logarithmic)", l => l.Before.Deviation, Scale.Logarithmic),
            new("Before the ReLU: mean", l => l.Before.Mean, Scale.Linear),
            new("Behind the ReLU: share of zeros", l => l.After?.Zeros, Scale.Share),
            new("Gradient before the ReLU: standard deviation (logarithmic)", l => l.Before.GradientDeviation, Scale.Logarithmic),
            new("Gradient of the layer\u2019s weights: root mean square (logarithmic)", l => l.Weight.GradientRootMeanSquare, Scale.Logarithmic),
        ];
        float width = Math.Max(860, layers.Count * PanelWidth + 2 * Theme.Margin);
        var picture = new Picture(width, 100 + rows.Length * (PanelHeight + Heading) + AxisLabel + Theme.Margin);
        float top = ComparisonSeries.DrawHeading(
            picture, "Activations and gradients by layer", $"{c.Data.Name}, seed {c.Config.Training.Seed}: up to 128 training images as a training step sees them, before training (0) and after each epoch; gradients of their mean loss", trainingToo: false, range: false);
        int last = c.Layers.Max(l => l.Epoch);
        foreach (Row row in rows)
        {
            picture.Text(row.Title, Theme.Margin, top + 18, Theme.TextSize, bold: true);
            top += Heading;
            (Ticks ticks, Func<double, double> place) = row.Axis(layers);
            bool isLast = row == rows[^1];
            for (int i = 0; i < layers.Count; i++)
            {
                Curve[] curves = [Line(layers[i], false), Line(layers[i], true)];
                if (curves.All(l => l.Points.Count == 0)) continue;
                new CurvePanel(layers[i].Layer, isLast ? "epoch" : "", Ticks.Whole(0, last, 5), ticks, curves) { LabelRoom = 46, TitleSize = Theme.SmallSize }
                    .Draw(picture, SKRect.Create(Theme.Margin + i * PanelWidth, top, PanelWidth - 6, PanelHeight + (isLast ? AxisLabel : 0)));
            }
            top += PanelHeight;

            Curve Line(LayerFigure layer, bool batchNorm) => new(
                ComparisonSeries.Color(batchNorm), ComparisonSeries.Marker(batchNorm),
                [.. layer.Looks(batchNorm).Where(l => row.Value(l) is not null).Select(l => ((double)l.Epoch, place(row.Value(l)!.Value)))]);
        }
        return picture;
    }

    private enum Scale { Linear, Logarithmic, Share }

    /// <summary>One quantity in all layers, on one axis.</summary>
    private sealed record Row(string Title, Func<LayerFigure.Look, double?> Value, Scale Scale)
    {
        public (Ticks Ticks, Func<double, double> Place) Axis(IReadOnlyList<LayerFigure> layers)
        {
            const double smallest = 1e-9; // of a layer that no gradient reaches any more
            double[] all = [.. layers.SelectMany(l => l.Looks(false).Concat(l.Looks(true))).Select(Value).OfType<double>()];
            return Scale switch
            {
                Scale.Share => (Ticks.Linear(0, 1, 4, percent: true), v => v),
                Scale.Linear => (Ticks.Linear(Math.Min(0, all.Min()), Math.Max(0, all.Max()), 4), v => v),
                _ => (Ticks.Log(Math.Max(all.Min(), smallest), Math.Max(all.Max(), smallest)), v => Math.Log10(Math.Max(v, smallest))),
            };
        }
    }
}

using System.Text;

namespace GpuConv.Studies;

/// <summary>What <c>compare-batchnorm</c> prints, and <c>comparison.txt</c> holds: under 80 columns.</summary>
internal static class ComparisonText
{
    private const int Columns = 79;

    // A number and its percent sign stay on one line.
    private const string NumberAndPercent = "\u00a0%";

    public static string Of(Comparison c)
    {
        var text = new StringBuilder();
        int epochs = c.Config.Training.Epochs, seeds = c.Config.Seeds;
        Paragraph(text, $"{c.Data.Name}: {c.Data.Train:n0} images to train on, {c.Data.Validation:n0} to validate; {(seeds == 1 ? "1 seed" : $"{seeds} seeds")}, {(epochs == 1 ? "1 epoch" : $"{epochs} epochs")}, batch {c.Config.Training.Batch}, {c.Config.Training.Optimizer} at {c.Config.Training.Lr}, on {string.Join("; ", c.RanOn)}");
        if (c.RanOn.Count > 1) Paragraph(text, "It ran on more than one device or number of threads: its times compare nothing.");
        text.Append('\n').Append(Results(c)).Append('\n');
        Paragraph(text, $"Time with over time without: {c.SecondsRatio:f3}; epoch by epoch {c.EpochSecondsRatio.Minimum:f3} to {c.EpochSecondsRatio.Maximum:f3}, median {c.EpochSecondsRatio.Median:f3}. Losses in nats, with the weights of an epoch's end; training losses and accuracies on the first {Math.Min(c.Data.Train, c.Data.Validation):n0} training images.{(seeds > 1 ? " Means over the seeds; epochs seed by seed." : "")}");
        text.Append("\nThe report's claims\n");
        foreach (Claim claim in c.Claims)
        {
            text.Append('\n');
            Paragraph(text, claim.Text, $"{claim.Verdict,-11} ", "            ");
            Paragraph(text, "here: " + claim.Measured, "            ", "            ");
            Paragraph(text, "(" + claim.Rule + ")", "            ", "            ");
        }
        if (c.StepTimes.Count > 0) text.Append("\nWhere a training step's time goes\n\n").Append(Times(c));
        if (c.LearningRates.Count > 0) text.Append('\n').Append(Sweep(c, c.LearningRates, "learning rate", p => p.LearningRate));
        if (c.LearningRates.Count > 0) Paragraph(text, SweepFindings.OfRates(c));
        if (c.BatchSizes.Count > 0) text.Append('\n').Append(Sweep(c, c.BatchSizes, "batch", p => p.Batch));
        if (c.Layers.Count > 0) text.Append('\n').Append(Layers(c));
        return text.ToString();
    }

    private static TextTable Results(Comparison c)
    {
        var table = new TextTable("", ">without", ">with");
        int epochs = c.Config.Training.Epochs;
        Row($"seconds of training, {(epochs == 1 ? "1 epoch" : $"{epochs} epochs")}", r => r.Seconds, "f1");
        Row("median step, ms", r => r.StepMillisecondsMedian, "f2");
        foreach (Goal goal in Goal.All)
        {
            table.Add($"{goal.Name}: epoch", Epochs(false), Epochs(true));
            table.Add("  seconds", Seconds(false), Seconds(true));

            string Epochs(bool batchNorm) => Goal.Epochs(c.RunsOf(batchNorm).Select(r => goal.ReachedBy(r)?.Epoch));

            // A mean over the seeds that got there would flatter.
            string Seconds(bool batchNorm) => c.RunsOf(batchNorm).Select(goal.ReachedBy).ToArray() is var all && all.All(a => a is not null) ? $"{all.Average(a => a!.Seconds!.Value):f1}" : "-";
        }
        Row("lowest validation loss", r => r.Best.ValidationLoss, "f4");
        table.Add("  in epoch", Goal.Epochs(c.RunsOf(false).Select(r => (int?)r.Best.Epoch)), Goal.Epochs(c.RunsOf(true).Select(r => (int?)r.Best.Epoch)));
        Row("  accuracy there, %", r => 100 * r.Best.ValidationAccuracy, "f2");
        Row("last validation loss", r => r.History[^1].ValidationLoss, "f4");
        Row("last training loss", r => r.History[^1].TrainLossAtEnd, "f4");
        Row("last validation accuracy, %", r => 100 * r.History[^1].ValidationAccuracy, "f2");
        Row("last training accuracy, %", r => 100 * r.History[^1].TrainAccuracyAtEnd, "f2");
        return table;

        void Row(string name, Func<ComparedRun, double> value, string format)
        {
            table.Add(name, Mean(false), Mean(true));
            if (c.Config.Seeds > 1) table.Add("  of the seeds", Range(false), Range(true));

            string Mean(bool batchNorm) => c.RunsOf(batchNorm).Average(value).ToString(format);
            string Range(bool batchNorm) => $"{c.RunsOf(batchNorm).Min(value).ToString(format)} to {c.RunsOf(batchNorm).Max(value).ToString(format)}";
        }
    }

    private static TextTable Times(Comparison c)
    {
        var table = new TextTable("", ">without, ms", ">share", ">with, ms", ">share", ">more, ms");
        foreach (IGrouping<string, StepTime> part in c.StepTimes.Where(t => t.Kernel.Length == 0).GroupBy(t => t.Step).OrderBy(g => g.Key.Length == 0))
        {
            StepTime? without = part.FirstOrDefault(t => !t.BatchNorm), with = part.FirstOrDefault(t => t.BatchNorm);
            double more = (with?.Milliseconds ?? 0) - (without?.Milliseconds ?? 0);
            table.Add(part.Key.Length > 0 ? part.Key : "training step", $"{without?.Milliseconds:f3}", $"{without?.Share:p1}", $"{with?.Milliseconds:f3}", $"{with?.Share:p1}", more.ToString("+0.000;-0.000;0.000"));
        }
        return table;
    }

    private static TextTable Sweep(Comparison c, IReadOnlyList<SweepPoint> points, string name, Func<SweepPoint, double> x)
    {
        var table = new TextTable(name, ">loss without", ">with", ">accuracy without", ">with", ">time");
        foreach (IGrouping<double, SweepPoint> group in points.GroupBy(x))
        {
            SweepPoint[] without = [.. group.Where(p => !p.BatchNorm)], with = [.. group.Where(p => p.BatchNorm)];
            double?[] ratios = [.. with.Zip(without, (a, b) => b.ImagesPerSecond / a.ImagesPerSecond)];
            table.Add($"{group.Key}", Loss(without), Loss(with), Accuracy(without), Accuracy(with), ratios.Average() is { } ratio ? $"{ratio:f2}" : "-");
        }
        int epochs = c.Config.SweepTraining.Epochs;
        table.AddHeading($"after {(epochs == 1 ? "1 epoch" : $"{epochs} epochs")} of {SweepFindings.Images(c):n0} images, validation images; time: with over without");
        return table;

        static string Loss(SweepPoint[] points) => points.Any(p => p.Diverged) ? "diverged" : Number(points.Average(p => p.ValidationLoss!.Value));
        static string Accuracy(SweepPoint[] points) => points.Any(p => p.Diverged) ? "diverged" : $"{100 * points.Average(p => p.ValidationAccuracy!.Value):f2} %";
    }

    private static TextTable Layers(Comparison c)
    {
        int last = c.Layers.Max(l => l.Epoch);
        var table = new TextTable("layer", ">start without", ">with", ">end without", ">with");
        foreach (LayerFigure figure in LayerFigure.All(c))
        {
            table.Add($"{figure.Layer}, deviation", Cell(false, 0, s => s.Before.Deviation, "f2"), Cell(true, 0, s => s.Before.Deviation, "f2"), Cell(false, last, s => s.Before.Deviation, "f2"), Cell(true, last, s => s.Before.Deviation, "f2"));
            if (figure.HasRelu) table.Add("  zeros after ReLU, %", Cell(false, 0, Zeros, "f1"), Cell(true, 0, Zeros, "f1"), Cell(false, last, Zeros, "f1"), Cell(true, last, Zeros, "f1"));

            string Cell(bool batchNorm, int epoch, Func<LayerFigure.Look, double?> value, string format) =>
                figure.Looks(batchNorm).FirstOrDefault(l => l.Epoch == epoch) is { } look && value(look) is { } v ? v.ToString(format) : "-";
        }
        table.AddHeading($"start: before training; end: after epoch {last}; standard deviation before the ReLU");
        return table;

        static double? Zeros(LayerFigure.Look look) => 100 * look.After?.Zeros;
    }

    /// <summary>A loss: those of trainings that fail may have any size.</summary>
    private static string Number(double value) => value is 0 or (>= 1e-4 and < 1e4) ? value.ToString(value < 10 ? "f4" : "f1") : value.ToString("0.0e0");

    private static void Paragraph(StringBuilder text, string content, string first = "", string others = "")
    {
        var line = new StringBuilder(first);
        bool isEmpty = true;
        foreach (string part in content.Replace(" %", NumberAndPercent, StringComparison.Ordinal).Split(' '))
        {
            string word = part.Replace(NumberAndPercent, " %", StringComparison.Ordinal);
            if (!isEmpty && line.Length + 1 + word.Length > Columns)
            {
                text.Append(line.ToString().TrimEnd()).Append('\n');
                line.Clear().Append(others);
                isEmpty = true;
            }
            if (!isEmpty) line.Append(' ');
            line.Append(word);
            isEmpty = false;
        }
        text.Append(line.ToString().TrimEnd()).Append('\n');
    }
}

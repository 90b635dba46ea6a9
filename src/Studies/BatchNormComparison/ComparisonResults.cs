using System.Text;

namespace GpuConv.Studies;

/// <summary>Writes what a comparison found: tables, pictures, and last <c>comparison.json</c>.</summary>
internal static class ComparisonResults
{
    public static void Write(Comparison c, ComparisonFolder folder)
    {
        folder.WriteText("comparison.txt", ComparisonText.Of(c));
        folder.WriteText("history.csv", Table(
            "batch_norm,seed,epoch,train_loss,train_accuracy,train_loss_at_end,train_accuracy_at_end,validation_loss,validation_accuracy,gap,seconds,images_per_second,learning_rate",
            c.Runs.SelectMany(r => r.History.Select(e => $"{Bool(r.BatchNorm)},{r.Seed},{e.Epoch},{e.TrainLoss},{e.TrainAccuracy},{e.TrainLossAtEnd},{e.TrainAccuracyAtEnd},{e.ValidationLoss},{e.ValidationAccuracy},{e.Gap},{e.Seconds},{e.ImagesPerSecond},{e.LearningRate}"))));
        folder.WriteText("step_times.csv", Table("batch_norm,step,kernel,runs,milliseconds,share", c.StepTimes.Select(t => $"{Bool(t.BatchNorm)},{t.Step},\"{t.Kernel}\",{t.Runs},{t.Milliseconds},{t.Share}")));
        folder.WriteText("layers.csv", Table(
            "batch_norm,seed,epoch,layer,mean,deviation,zeros,gradient_mean,gradient_deviation,gradient_zeros",
            c.Layers.Select(l => $"{Bool(l.BatchNorm)},{l.Seed},{l.Epoch},{l.Layer},{l.Mean},{l.Deviation},{l.Zeros},{l.GradientMean},{l.GradientDeviation},{l.GradientZeros}")));
        folder.WriteText("parameters.csv", Table("batch_norm,seed,epoch,parameter,root_mean_square,gradient_root_mean_square", c.Parameters.Select(p => $"{Bool(p.BatchNorm)},{p.Seed},{p.Epoch},{p.Parameter},{p.RootMeanSquare},{p.GradientRootMeanSquare}")));
        if (c.LearningRates.Count > 0)
        {
            folder.WriteText("sweeps.csv", Table(
                "sweep,batch_norm,seed,learning_rate,batch,diverged,epochs,train_loss,validation_loss,validation_accuracy,images_per_second",
                [.. c.LearningRates.Select(p => Point("learning_rate", p)), .. c.BatchSizes.Select(p => Point("batch", p))]));
        }
        WritePictures(c, folder);
        folder.WriteResult(c);
    }

    /// <summary>Draws the pictures, in the format that the folder was opened with.</summary>
    public static void WritePictures(Comparison c, ComparisonFolder folder)
    {
        folder.WritePicture("curves", ComparisonCurves.Draw(c));
        folder.WritePicture("overfitting", ComparisonCurves.DrawOverfitting(c));
        folder.WritePicture("step-times", StepTimesPicture.Draw(c));
        folder.WritePicture("layers", LayersPicture.Draw(c));
        if (c.LearningRates.Count > 0) folder.WritePicture("sweeps", SweepPicture.Draw(c));
    }

    private static string Point(string sweep, SweepPoint p) =>
        $"{sweep},{Bool(p.BatchNorm)},{p.Seed},{p.LearningRate},{p.Batch},{Bool(p.Diverged)},{p.Epochs},{p.TrainLoss},{p.ValidationLoss},{p.ValidationAccuracy},{p.ImagesPerSecond}";

    private static string Bool(bool value) => value ? "true" : "false";

    private static string Table(string header, IEnumerable<string> rows) => new StringBuilder().AppendJoin('\n', [header, .. rows, ""]).ToString();
}

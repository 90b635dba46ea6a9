using GpuConv.Net;
using static GpuConv.Studies.ReportContent;

namespace GpuConv.Studies;

/// <summary>The report's first part: the network, its training, and batch normalisation.</summary>
internal static class TrainingSections
{
    public static ReportSection Of(ReportFiles files, Metrics plain, Metrics normalised) => new(
        "part-1", "Part 1: training",
        [new ReportParagraph("The network is trained as the report trained it, once as it is and once with batch normalisation after each convolution; then both side by side, step by step in turn, so that a busy machine disturbs both alike.")],
        [NetworkSection(files, plain), TrainingSection(files, plain, normalised), Comparison(files)]);

    private static ReportSection NetworkSection(ReportFiles files, Metrics plain) => new(
        "network", "The network",
        [
            new ReportParagraph($"Two convolutions of 3 x 3, each with ReLU and 2 x 2 pooling, then three fully connected layers, two of them with ReLU. {plain.Parameters:n0} parameters."),
            .. files.Figure(ReportParts.Train, "network", "The network layer by layer, with the shape of each layer's output, its parameters and its neurons.", "Layer by layer: output shapes, parameters, neurons."),
        ],
        []);

    private static ReportSection TrainingSection(ReportFiles files, Metrics plain, Metrics normalised)
    {
        TrainSettings s = plain.Config;
        EvaluationJson.ClassRow worst = plain.PerClass.MinBy(c => c.Recall)!;
        string worstName = worst.Name is null ? $"Class {worst.Class}" : $"The class {worst.Name}";
        return new ReportSection(
            "training", "Training",
            [
                new ReportParagraph($"{s.Optimizer switch { "adam" => "Adam", "adamw" => "AdamW", _ => "SGD" }} at a rate of {s.Lr:0.######}, batches of {s.Batch}, {Epochs(plain)}. The weights that all studies look at are those of epoch {plain.BestEpoch}, the best by validation loss. {plain.Overfitting.Text}"),
                new ReportTable(
                    "Both trainings; loss and accuracy on the test images",
                    ["network", ">test loss", ">test accuracy", ">best epoch", ">seconds of training", ">images a second"],
                    [Row("plain", plain), Row("batch normalisation", normalised)]),
                .. files.Figure(ReportParts.Train, "curves", $"Loss, accuracy and error by epoch of the plain network: training loss ends at {plain.History[^1].TrainLoss:f4}, validation loss at {plain.History[^1].ValidationLoss:f4}.", "The plain network: loss, accuracy, and error on a logarithmic axis. The mark is the epoch of the lowest validation loss."),
                .. files.Figure(ReportParts.TrainBatchNorm, "curves", $"The same with batch normalisation: training loss ends at {normalised.History[^1].TrainLoss:f4}, validation loss at {normalised.History[^1].ValidationLoss:f4}.", "The same with batch normalisation."),
                .. files.Figure(ReportParts.Train, "confusion", $"Confusion matrix of the plain network on {plain.Data.Test:n0} test images. {worstName} is recognised least often, {100 * worst.Recall:f2} %.", $"True classes against predicted ones. {worstName} is recognised least often: {100 * worst.Recall:f2} %."),
                .. files.Figure(ReportParts.Train, "mistakes", "Test images that the network takes for another class, the surest mistakes first, with both probabilities.", "The mistakes that the network is surest of: what it sees, what is true."),
                .. files.Figure(ReportParts.Train, "predictions", "Random test images with the predicted class and its probability.", "Random test images and what they are taken for."),
                .. files.Made(ReportParts.Train), .. files.Made(ReportParts.TrainBatchNorm),
            ],
            []);
    }

    private static string[] Row(string name, Metrics m) =>
        [name, $"{m.Test.Loss:f4}", $"{100 * m.Test.Accuracy:f2} %", $"{m.BestEpoch}", $"{m.SecondsTraining:f1}", $"{m.ImagesPerSecond:n0}"];

    private static ReportSection Comparison(ReportFiles files)
    {
        Comparison c = files.Read(ReportParts.Compare, "comparison.json", StudiesJson.Default.Comparison);
        string rates = c.LearningRates.Count > 0 ? " " + SweepFindings.OfRates(c) : "";
        return new ReportSection(
            "batch-normalisation", "With and without batch normalisation",
            [
                new ReportParagraph($"The same data order and, where both have them, the same initial weights; {(c.Config.Seeds == 1 ? "one seed" : $"{c.Config.Seeds} seeds")}. Batch normalisation takes {c.SecondsRatio:f3} times the time.{rates}"),
                .. files.Figure(ReportParts.Compare, "curves", "Loss and error of both networks by epoch and by seconds.", "Loss and error, by epoch and by seconds of training."),
                .. files.Figure(ReportParts.Compare, "overfitting", "Validation loss less training loss by epoch, of both networks.", "How much worse the network does on images that it was not trained on, with the same weights: the measure of overfitting."),
                .. files.Figure(ReportParts.Compare, "step-times", "Where the time of a training step goes, kernel by kernel, with and without batch normalisation.", "Where a training step's time goes."),
                .. files.Figure(ReportParts.Compare, "layers", "Mean and spread of activations and gradients, layer by layer, with and without batch normalisation.", "Activations and gradients, layer by layer, before and after training."),
                .. files.Figure(ReportParts.Compare, "sweeps", "Validation loss by learning rate and by batch size, with and without batch normalisation.", "Learning rates and batch sizes: batch normalisation's gift is that large rates still train."),
                .. files.Made(ReportParts.Compare),
            ],
            []);
    }
}

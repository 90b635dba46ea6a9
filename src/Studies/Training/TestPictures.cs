using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The pictures of how a model does on images whose classes are known.</summary>
internal static class TestPictures
{
    private const int ShownPredictions = 40, ShownMistakes = 50;

    /// <summary>The names of the pictures.</summary>
    public static IReadOnlyList<string> Names { get; } = ["confusion", "predictions", "mistakes"];

    /// <summary>Draws them.</summary>
    /// <param name="predictor">The model.</param>
    /// <param name="images">The images.</param>
    /// <param name="evaluation">The model's evaluation on them.</param>
    /// <param name="seed">Chooses the images of <c>predictions.png</c>.</param>
    /// <returns>Each picture with its name.</returns>
    public static IEnumerable<(string Name, Picture Picture)> Draw(Predictor predictor, LabelledImages images, Evaluation evaluation, ulong seed)
    {
        IReadOnlyList<string>? names = predictor.Model.ClassNames;
        yield return ("confusion", TrainingPictures.Confusion(evaluation.Confusion, names));
        yield return ("predictions", TrainingPictures.Predictions(Random(images, evaluation, seed), names));
        int[] mistakes = Mistakes.MostConfident(evaluation, images.Labels, ShownMistakes);
        int all = images.Labels.Where((label, i) => evaluation.Predicted[i] != label).Count();
        yield return ("mistakes", TrainingPictures.Mistakes(WithTrueProbabilities(predictor, images, evaluation, mistakes), all, images.Count, names));
    }

    private static Prediction[] Random(LabelledImages images, Evaluation evaluation, ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, images.Count)];
        new RandomSequence(seed, 1).Shuffle(order);
        return [.. order.Take(ShownPredictions).Select(i => Of(images, evaluation, i))];
    }

    private static Prediction[] WithTrueProbabilities(Predictor predictor, LabelledImages images, Evaluation evaluation, int[] chosen)
    {
        if (chosen.Length == 0) return [];
        byte[] pixels = [.. chosen.SelectMany(i => images.Image(i).ToArray())];
        float[] probabilities = predictor.Probabilities(pixels);
        int classes = predictor.Model.Classes;
        return [.. chosen.Select((i, at) => Of(images, evaluation, i) with { TrueProbability = probabilities[at * classes + images.Labels[i]] })];
    }

    private static Prediction Of(LabelledImages images, Evaluation evaluation, int i) =>
        new(i, images.Image(i).ToArray(), images.Height, images.Width, images.Labels[i], evaluation.Predicted[i], evaluation.Confidence[i]);
}

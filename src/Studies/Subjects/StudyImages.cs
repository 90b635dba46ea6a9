using System.CommandLine;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The options that say which images a study looks at, and the images.</summary>
internal static class StudyImages
{
    private static readonly Argument<string[]> Files = new("files") { Description = "Image files instead of test images (PNG, JPEG, …), of any size", Arity = ArgumentArity.ZeroOrMore };

    private static readonly Option<string?> Images = new("--images") { Description = "Test images by number, as 0,5,17; without it the first that is recognised of each class" };

    private static readonly Option<int?> Class = new("--class") { Description = "Only images of this class" };

    private static readonly Option<bool> Misclassified = new("--misclassified") { Description = "Images that the model takes for another class" };

    private static readonly Option<int> Count = new("--count") { Description = "So many images of those that --class and --misclassified leave", DefaultValueFactory = _ => 10 };

    public static void AddTo(Command command)
    {
        command.Add(Files);
        foreach (Option option in (Option[])[Images, Class, Misclassified, Count]) command.Add(option);
        ImageInput.AddTo(command);
    }

    /// <summary>The images that the options name.</summary>
    /// <exception cref="RequestException">The options contradict each other, or there are no such images.</exception>
    public static IReadOnlyList<StudyImage> Select(ParseResult parsed, DataSet data, Predictor predictor)
    {
        Shape shape = predictor.Model.Network.InputShape;
        string[] files = parsed.GetValue(Files)!;
        string? numbers = parsed.GetValue(Images);
        int? wanted = parsed.GetValue(Class);
        bool misclassified = parsed.GetValue(Misclassified);
        if ((files.Length > 0 ? 1 : 0) + (numbers is null ? 0 : 1) + (wanted is null && !misclassified ? 0 : 1) > 1)
            throw new RequestException("Give image files, or --images, or --class and --misclassified: each names images for itself.");
        if (files.Length > 0) return [.. files.Zip(ImageInput.ReadDrawn(parsed, files, predictor.Model), (f, pixels) => new StudyImage(f, null, null, shape, pixels))];

        LabelledImages test = data.Test;
        StudyModel.RequireFit(predictor.Model, data, ", or image files");
        if (numbers is not null) return [.. Numbers(numbers, test.Count).Select(i => Of(test, i))];
        if (wanted is { } c && (c < 0 || c >= data.Classes)) throw new RequestException($"--class {c}: {data.Name} has classes 0 to {data.Classes - 1}.");
        if (parsed.GetValue(Count) < 1) throw new RequestException($"--count {parsed.GetValue(Count)}: at least 1.");

        int[] predicted = predictor.Evaluate(test, Invocation.Token).Predicted;
        IEnumerable<int> all = Enumerable.Range(0, test.Count);
        int[] chosen = wanted is null && !misclassified
            ? FirstOfEachClass(test, predicted)
            : [.. all.Where(i => (wanted is null || test.Labels[i] == wanted) && (!misclassified || predicted[i] != test.Labels[i])).Take(parsed.GetValue(Count))];
        return chosen.Length > 0 ? [.. chosen.Select(i => Of(test, i))] : throw new RequestException($"{data.Name} has no such test images{(misclassified ? ": the model recognises them all" : "")}.");
    }

    /// <summary>The first image of each class that is recognised, by class; where a class has none, its first stands for it.</summary>
    public static int[] FirstOfEachClass(LabelledImages images, int[] predicted) =>
        [.. Enumerable.Range(0, images.Count).GroupBy(i => images.Labels[i]).OrderBy(g => g.Key).Select(g => g.Where(i => predicted[i] == g.Key).Append(g.First()).First())];

    public static StudyImage Of(LabelledImages images, int index) => new(
        $"test {index}", index, images.Labels[index], images.ImageShape, images.Image(index).ToArray());

    private static int[] Numbers(string text, int count) =>
        NumberText.List(text, 0, count - 1) ?? throw new RequestException($"--images {text}: numbers from 0 to {count - 1}, with commas between them.");
}

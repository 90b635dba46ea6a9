using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv predict</c>: the classes' probabilities for image files or for random images of a split.</summary>
internal static class PredictCommand
{
    private const int Shown = 3, MostPictured = 200;

    private static readonly Argument<string[]> Files = new("files") { Description = "Image files (PNG, JPEG, …)", Arity = ArgumentArity.ZeroOrMore };

    private static readonly Option<int> Random = new("--random") { Description = "Instead of files, so many random images of the split" };

    public static Command Create()
    {
        var command = new Command("predict", "The most probable classes of image files, or of random images of a split; with --out the first 200 as a picture too.\n\nExamples:\n  gpuconv predict --model runs/train-1/best.safetensors digit.png\n  gpuconv predict --model runs/train-1/best.safetensors --random 5")
        {
            Files,
            Random,
            EvaluateCommand.Split,
            CommonOptions.Model,
            CommonOptions.Data, CommonOptions.ImageSize, CommonOptions.Transpose,
            NetworkInput.Network, NetworkInput.Normalise, NetworkInput.ExternalData, NetworkInput.AllowExtra,
            CommonOptions.Seed,
            CommonOptions.Out, FinishedResult.Overwrite, CommonOptions.Format,
            CommonOptions.DeviceName,
            CommonOptions.Math,
            CommonOptions.Threads,
            CommonOptions.Json,
            CommonOptions.Quiet,
            CommonOptions.Verbose,
        };
        ImageInput.AddTo(command);
        command.SetAction(Run);
        return command.Keep("predictions.json");
    }

    private static int Run(ParseResult parsed)
    {
        string[] files = parsed.GetValue(Files)!;
        int random = parsed.GetValue(Random);
        if (random < 0) throw new RequestException($"--random {random}: not negative.");
        if (files.Length > 0 == random > 0) throw new RequestException("Give image files, or --random N for images of the data set.");
        Model model = parsed.ReadModel();
        List<(string Name, int? Label, byte[]? Pixels)> images = files.Length > 0
            ? [.. files.Zip(ImageInput.Read(parsed, files, model), (f, pixels) => (f, (int?)null, pixels))]
            : RandomImages(parsed, model, random);

        PredictionJson[] results = Predict(parsed, model, images);
        string json = JsonSerializer.Serialize(results, StudiesJson.Default.PredictionJsonArray) + "\n";
        if (parsed.GetValue(CommonOptions.Out) is { } folder)
        {
            Directory.CreateDirectory(folder);
            AtomicFile.WriteAllText(Path.Combine(folder, "predictions.json"), json);
            if (results.Any(r => r.Predicted is not null)) Pictured(model, images, results).Write(folder, "predictions", parsed.FormatOf());
        }
        if (parsed.GetValue(CommonOptions.Json))
        {
            Console.Write(json);
            return Invocation.Done;
        }
        bool labelled = random > 0;
        var names = new ClassNames(model.ClassNames);
        var table = new TextTable("image", labelled ? "true" : "", "predicted", "", "");
        foreach (PredictionJson r in results)
        {
            if (r.Predicted is null)
            {
                table.Add(r.Image, "", "nothing is drawn", "", "");
                continue;
            }
            string[] best = [.. r.Probabilities.Select((p, c) => (p, c)).OrderByDescending(x => x.p).Take(Shown).Select(x => $"{names[x.c]}: {100 * x.p:f2} %")];
            string[] cells = [r.Image, labelled ? $"{names[r.Label ?? 0]}{(r.Label == r.Predicted ? "" : " (!)")}" : "", .. best, .. Enumerable.Repeat("", Shown - best.Length)];
            table.Add(cells);
        }
        Console.Write(table);
        return Invocation.Done;
    }

    // An image where nothing is drawn has no prediction.
    private static PredictionJson[] Predict(ParseResult parsed, Model model, List<(string Name, int? Label, byte[]? Pixels)> images)
    {
        byte[][] drawn = [.. images.Select(i => i.Pixels).OfType<byte[]>()];
        float[] probabilities = [];
        if (drawn.Length > 0)
        {
            using Device device = parsed.OpenDevice();
            using var predictor = new Predictor(device, model, Math.Min(128, drawn.Length));
            probabilities = predictor.Probabilities(drawn.SelectMany(p => p).ToArray(), Invocation.Token);
        }
        int at = 0;
        return [.. images.Select(image => image.Pixels is null ? new PredictionJson(image.Name, image.Label, null, null, []) : PredictionJson.From(image.Name, image.Label, probabilities.AsSpan(at++ * model.Classes, model.Classes), model.ClassNames))];
    }

    private static Picture Pictured(Model model, List<(string Name, int? Label, byte[]? Pixels)> images, PredictionJson[] results)
    {
        Shape shape = model.Network.InputShape;
        return TrainingPictures.Predictions([.. images.Zip(results).Where(pair => pair.First.Pixels is not null).Take(MostPictured).Select((pair, i) =>
            new Prediction(i, pair.First.Pixels!, shape[1], shape[2], pair.First.Label, pair.Second.Predicted!.Value, pair.Second.Probability!.Value))], model.ClassNames);
    }

    private static List<(string, int?, byte[]?)> RandomImages(ParseResult parsed, Model model, int count)
    {
        DataSet data = StudyData.Load(parsed);
        string split = parsed.GetValue(EvaluateCommand.Split)!;
        LabelledImages images = split == "train" ? data.Train : data.Test;
        Shape shape = images.ImageShape;
        if (shape != model.Network.InputShape) throw new RequestException($"The model takes {model.Network.InputShape}, the images of {data.Name} are {shape}.");
        int[] order = [.. Enumerable.Range(0, images.Count)];
        new RandomSequence(parsed.GetValue(CommonOptions.Seed), 0).Shuffle(order);
        return [.. order.Take(count).Select(i => ($"{split} {i}", (int?)images.Labels[i], (byte[]?)images.Image(i).ToArray()))];
    }
}

/// <summary>One prediction as JSON; without class and probabilities for a file where nothing is drawn.</summary>
internal sealed record PredictionJson(string Image, int? Label, int? Predicted, float? Probability, float[] Probabilities)
{
    /// <summary>What the predicted class is called, where it is more than a number.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? PredictedName { get; init; }

    public static PredictionJson From(string image, int? label, ReadOnlySpan<float> probabilities, IReadOnlyList<string>? names)
    {
        int best = Predictor.MostProbable(probabilities);
        return new PredictionJson(image, label, best, probabilities[best], probabilities.ToArray()) { PredictedName = names?[best] };
    }
}

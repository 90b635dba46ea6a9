using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv evaluate</c>: how well a saved model does on a split.</summary>
internal static class EvaluateCommand
{
    public static readonly Option<string> Split = new Option<string>("--split")
    {
        Description = "Which images: test or train",
        DefaultValueFactory = _ => "test",
    }.AcceptOnlyFromAmong("test", "train");

    public static Command Create()
    {
        var command = new Command("evaluate", "Loss, accuracy, recall and precision by class, and confusion matrix of a saved model; with --out as pictures too, with random predictions and the most confident mistakes.\n\nExample:\n  gpuconv evaluate --model runs/train-1/best.safetensors --out evaluation")
        {
            CommonOptions.Model,
            Split,
            CommonOptions.Views,
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
        command.SetAction(Run);
        return command.Keep("evaluation.json");
    }

    private static int Run(ParseResult parsed)
    {
        Model model = parsed.ReadModel();
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        using var predictor = new Predictor(device, model, views: CommonOptions.ViewsOf(parsed.GetValue(CommonOptions.Views)));
        LabelledImages images = parsed.GetValue(Split) == "train" ? data.Train : data.Test;
        Evaluation result = Evaluate(predictor, images);
        string json = JsonSerializer.Serialize(EvaluationJson.From(result, model.ClassNames), StudiesJson.Default.EvaluationJson);
        if (parsed.GetValue(CommonOptions.Out) is { } folder)
        {
            Directory.CreateDirectory(folder);
            AtomicFile.WriteAllText(Path.Combine(folder, "evaluation.json"), json + "\n");
            foreach ((string name, Picture picture) in TestPictures.Draw(predictor, images, result, parsed.GetValue(CommonOptions.Seed)))
                picture.Write(folder, name, parsed.FormatOf());
        }
        Console.Write(parsed.GetValue(CommonOptions.Json) ? json + "\n" : Text(result, new ClassNames(model.ClassNames)));
        return Invocation.Done;
    }

    private static Evaluation Evaluate(Predictor predictor, LabelledImages images)
    {
        try
        {
            Evaluation result = predictor.Evaluate(images, Invocation.Token);
            return double.IsFinite(result.Loss) ? result : throw new RequestException("The model's loss is not a finite number: its weights are damaged.");
        }
        catch (ArgumentException e)
        {
            throw new RequestException(e.Message);
        }
    }

    private static string Percent(double? share) => share is { } value ? $"{100 * value:f2} %" : "-";

    private static string Undefined(Evaluation.ClassScore c) => (c.Accuracy, c.Precision) switch
    {
        (null, null) => "no image is of it, none was taken for it: both are undefined",
        (null, _) => "no image is of it: recall is undefined",
        (_, null) => "no image was taken for it: precision is undefined",
        _ => "",
    };

    private static string Text(Evaluation result, ClassNames names)
    {
        var classes = new TextTable("class", ">images", ">recall", ">precision", "");
        foreach (Evaluation.ClassScore c in result.PerClass) classes.Add(names[c.Class], $"{c.Count}", Percent(c.Accuracy), Percent(c.Precision), Undefined(c));
        string text = $"loss {result.Loss:f5}, accuracy {100 * result.Accuracy:f2} %\n\n{classes}";
        // Wider than a terminal the matrix is no help; --out and --json have it.
        if (result.Confusion.Length > 14) return text;
        string[] headings = ["true \\ predicted", .. Enumerable.Range(0, result.Confusion.Length).Select(c => $">{names[c]}")];
        var confusion = new TextTable(headings);
        for (int c = 0; c < result.Confusion.Length; c++)
        {
            string[] counts = [.. result.Confusion[c].Select(n => n == 0 ? "." : $"{n}")];
            confusion.Add([names[c], .. counts]);
        }
        return $"{text}\n{confusion}";
    }
}

/// <summary>An evaluation as JSON, <c>evaluation.json</c>.</summary>
internal sealed record EvaluationJson(double Loss, double Accuracy, IReadOnlyList<EvaluationJson.ClassRow> PerClass, int[][] Confusion)
{
    /// <summary>A class; a share is null where it is undefined. The accuracy within a class is its recall.</summary>
    internal sealed record ClassRow(int Class, int Count, double? Accuracy, double? Recall, double? Precision)
    {
        /// <summary>What the class is called, where it is more than a number.</summary>
        [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
        public string? Name { get; init; }
    }

    public static EvaluationJson From(Evaluation e, IReadOnlyList<string>? names = null) =>
        new(e.Loss, e.Accuracy, [.. e.PerClass.Select(c => new ClassRow(c.Class, c.Count, c.Accuracy, c.Accuracy, c.Precision) { Name = names?[c.Class] })], e.Confusion);
}

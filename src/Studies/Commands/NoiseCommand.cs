using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv noise</c>: one noise that, added to any image, fools the network.</summary>
internal static class NoiseCommand
{
    private static readonly NoiseOptions Defaults = new();

    private static readonly Option<string> Epsilons = new("--eps") { Description = "Bounds on each pixel of the noise, pixels 0 to 1, with commas between them", DefaultValueFactory = _ => string.Join(',', Defaults.Epsilons.Select(e => e.ToString(CultureInfo.InvariantCulture))) };

    private static readonly Option<int> Steps = new("--steps") { Description = "Steps of learning, for each bound", DefaultValueFactory = _ => Defaults.Steps };

    private static readonly Option<float?> Alpha = new("--alpha") { Description = "The size of the first step of learning, from which it falls to 0; without it a fifth of the bound" };

    private static readonly Option<int> Batch = new("--batch") { Description = "Training images of a step", DefaultValueFactory = _ => Defaults.Batch };

    private static readonly Option<int> Limit = new("--limit") { Description = "Try it on the first N test images; 0: on all", DefaultValueFactory = _ => Defaults.Limit };

    private static readonly Option<string> Other = new("--other") { Description = "Another model, that noise is carried over to and from; without it one with batch normalisation is trained, seed 2" };

    public static Command Create()
    {
        var command = new Command("noise", "Learns one noise for many images, for each class and for none, and tries it on images and a network that it was not learnt on.\n\nExamples:\n  gpuconv noise\n  gpuconv noise --eps 0.1,0.3 --limit 500\n  gpuconv noise --model runs/train-1/best.safetensors --other runs/bn/best.safetensors");
        foreach (Option option in (Option[])[Epsilons, Alpha, Steps, Batch, Limit, CommonOptions.Model, Other, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("noise.json");
    }

    private static int Run(ParseResult parsed)
    {
        NoiseOptions options = OptionsOf(parsed);
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        DataSet data = StudyData.Load(parsed);
        if (!TrainCommand.IsGiven(parsed, Batch)) options = options with { Batch = Math.Min(options.Batch, data.Train.Count) };
        if (options.Batch > data.Train.Count) throw new RequestException($"--batch {options.Batch}: {data.Name} has {data.Train.Count} training images.");
        using Device device = parsed.OpenDevice();
        Model model = StudyModel.OfImages(parsed, data, device), other = StudyModel.Another(parsed, Other, data, device);
        Shape shape = model.Network.InputShape;
        var names = ClassNames.Of(model, data);
        if (other.Network.InputShape != shape || other.Classes != model.Classes) throw new RequestException($"--other takes {other.Network.InputShape} and knows {other.Classes} classes, --model {shape} and {model.Classes}: noise cannot be carried over.");
        NoiseResult result = new StudyDisplay(quiet).Follow(progress => NoiseStudy.Run(device, model, other, data, options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "noise");
        PictureFormat format = parsed.FormatOf();
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.NoiseResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "noise.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "noise.csv"), Csv(result));
        NpyFile.Write(Path.Combine(folder, "noise.npy"), FoolCommand.ImagesShape(shape, model.Classes + 1).Prepend(result.Epsilons.Count), [.. result.Patterns.SelectMany(p => p)]);
        NoisePictures.Rates(result).Write(folder, "noise", format);
        NoisePictures.ByClass(result, names).Write(folder, "classes", format);
        NoisePictures.Patterns(result, shape, names).Write(folder, "patterns", format);
        NoisePictures.Examples(result, shape, data.Test, names).Write(folder, "examples", format);
        Console.Write(json ? text : Text(result));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    private static NoiseOptions OptionsOf(ParseResult parsed)
    {
        string text = parsed.GetValue(Epsilons)!;
        float[] bounds = NumberText.List(text, float.Epsilon, 1) ?? throw new RequestException($"--eps {text}: numbers above 0, at most 1, with commas between them, as 0.1,0.2 or 8/255.");
        if (bounds.Distinct().Count() < bounds.Length) throw new RequestException($"--eps {text}: each number once.");
        int limit = parsed.GetValue(Limit);
        var options = new NoiseOptions
        {
            Epsilons = [.. bounds.Order()],
            Alpha = parsed.GetValue(Alpha),
            Steps = parsed.GetValue(Steps),
            Batch = parsed.GetValue(Batch),
            Limit = limit == 0 ? int.MaxValue : limit,
            Seed = parsed.GetValue(CommonOptions.Seed),
        };
        if (options.Alpha is { } alpha && !(alpha > 0 && float.IsFinite(alpha))) throw new RequestException($"--alpha {alpha}: a number above 0.");
        if (options.Steps is < 1 or > 100_000) throw new RequestException($"--steps {options.Steps}: from 1 to 100000.");
        if (options.Batch < 1) throw new RequestException($"--batch {options.Batch}: at least 1.");
        if (limit < 0) throw new RequestException($"--limit {limit}: not negative.");
        return options;
    }

    private static string Text(NoiseResult result)
    {
        var table = new TextTable(">epsilon", "learnt on", "tried on", ">not recognised", ">random", ">taken for its class: mean", ">smallest", ">largest", ">random");
        foreach (NoiseRate r in result.FoolingRate) table.Add($"{r.Epsilon:g4}", r.LearntOn, r.TestedOn, $"{100 * r.Untargeted:f1} %", $"{100 * r.Random:f1} %", $"{100 * r.Targeted.Average():f1} %", $"{100 * r.Targeted.Min():f1} %", $"{100 * r.Targeted.Max():f1} %", $"{100 * r.TargetedRandom.Average():f1} %");
        return $"one noise on {result.Images} test images; accuracy without it {string.Join(", ", result.Models.Select(m => $"{100 * m.CleanAccuracy:f2} % ({m.Name})"))}\n{table}\n" + Claim.Lines(result.Claims);
    }

    private static string Csv(NoiseResult result)
    {
        var text = new StringBuilder("epsilon,learnt_on,tested_on,noise,class,rate,random_rate\n");
        foreach (NoiseRate r in result.FoolingRate)
        {
            text.Append(CultureInfo.InvariantCulture, $"{r.Epsilon},{r.LearntOn},{r.TestedOn},untargeted,,{r.Untargeted},{r.Random}\n");
            for (int c = 0; c < r.ByClass.Count; c++) text.Append(CultureInfo.InvariantCulture, $"{r.Epsilon},{r.LearntOn},{r.TestedOn},untargeted,{c},{r.ByClass[c]},\n");
            for (int c = 0; c < r.Targeted.Count; c++) text.Append(CultureInfo.InvariantCulture, $"{r.Epsilon},{r.LearntOn},{r.TestedOn},targeted,{c},{r.Targeted[c]},{r.TargetedRandom[c]}\n");
        }
        return text.ToString();
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv target</c>: images near one digit's that the network takes for another.</summary>
internal static class TargetCommand
{
    private static readonly TargetOptions Defaults = new();

    private static readonly Option<int> Case = new Option<int>("--case") { Description = "1: start from the target image itself; 2: from noise, mean 128 and standard deviation 1", DefaultValueFactory = _ => Defaults.Case };

    private static readonly Option<float?> Beta = new("--beta") { Description = "The weight of the class beside half the squared distance; without it the smallest that succeeds is searched for each pair" };

    private static readonly Option<int> Steps = new("--steps") { Description = "Steps of gradient descent", DefaultValueFactory = _ => Defaults.Steps };

    private static readonly Option<float> Lr = new("--lr") { Description = "The rate of gradient descent", DefaultValueFactory = _ => Defaults.Lr };

    private static readonly Option<float> Confidence = new("--confidence") { Description = "The probability of the class that the search for beta asks for", DefaultValueFactory = _ => Defaults.Confidence };

    private static readonly Option<string> Objective = new Option<string>("--objective") { Description = "What is climbed for the class: logit, probability, cross-entropy (which is descended)", DefaultValueFactory = _ => Defaults.Objective }.AcceptOnlyFromAmong(FoolOptions.Objectives);

    public static Command Create()
    {
        var command = new Command("target", "Makes images near one digit's that the network takes for another, for every pair of different labels.\n\nExamples:\n  gpuconv target\n  gpuconv target --case 2\n  gpuconv target --model runs/train-1/best.safetensors --beta 1 --steps 500");
        foreach (Option option in (Option[])[Case, Beta, Steps, Lr, Confidence, Objective, CommonOptions.Model, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("target.json");
    }

    private static int Run(ParseResult parsed)
    {
        TargetOptions options = OptionsOf(parsed);
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        Model model = StudyModel.OfImages(parsed, data, device);
        Shape shape = model.Network.InputShape;
        var names = ClassNames.Of(model, data);
        using var predictor = new Predictor(device, model);
        TargetResult result = new StudyDisplay(quiet).Follow(progress => TargetStudy.Run(device, predictor, data, options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "target");
        PictureFormat format = parsed.FormatOf();
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.TargetResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "target.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "target.csv"), Csv(result));
        NpyFile.Write(Path.Combine(folder, "images.npy"), FoolCommand.ImagesShape(shape, result.Pairs.Count), [.. result.Pixels.Select(v => 255 * v)]);
        TargetPictures.Matrix(result, shape, names).Write(folder, "target", format);
        TargetPictures.Success(result, names).Write(folder, "success", format);
        TargetPictures.Costs(result).Write(folder, "costs", format);
        Console.Write(json ? text : Text(result, names));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    private static TargetOptions OptionsOf(ParseResult parsed)
    {
        var options = new TargetOptions
        {
            Case = parsed.GetValue(Case),
            Beta = parsed.GetValue(Beta),
            Steps = parsed.GetValue(Steps),
            Lr = parsed.GetValue(Lr),
            Confidence = parsed.GetValue(Confidence),
            Objective = parsed.GetValue(Objective)!,
            Seed = parsed.GetValue(CommonOptions.Seed),
        };
        if (options.Case is not (1 or 2)) throw new RequestException($"--case {options.Case}: 1, from the target image, or 2, from noise.");
        if (options.Beta is { } beta && !(beta >= 0 && float.IsFinite(beta))) throw new RequestException($"--beta {beta}: not negative.");
        if (options.Steps is < 1 or > 100_000) throw new RequestException($"--steps {options.Steps}: from 1 to 100000.");
        if (!(options.Lr > 0) || !float.IsFinite(options.Lr)) throw new RequestException($"--lr {options.Lr}: a number above 0.");
        if (!(options.Confidence > 0 && options.Confidence < 1)) throw new RequestException($"--confidence {options.Confidence}: between 0 and 1.");
        return options;
    }

    private static string Text(TargetResult result, ClassNames names)
    {
        var table = new TextTable(">target", ">read as wanted", ">mean probability", ">mean distance", ">largest", ">mean change of a pixel", ">mean similarity", ">mean beta");
        foreach (IGrouping<int, TargetPair> s in result.Pairs.GroupBy(p => p.SourceLabel))
            table.Add(names[s.Key], $"{s.Count(p => p.Success)} of {s.Count()}", $"{s.Average(p => p.Confidence):f4}", $"{s.Average(p => p.L2):f2}", $"{s.Max(p => p.L2):f2}", $"{s.Average(p => p.Linf):f2}", $"{s.Average(p => p.Ssim):f3}", $"{s.Average(p => p.Beta):f3}");
        return $"case {result.Case}: {result.Succeeded} of {result.Pairs.Count} pairs are read as wanted\n{table}\n" + Claim.Lines(result.Claims);
    }

    private static string Csv(TargetResult result)
    {
        var text = new StringBuilder("source_label,target_label,predicted,confidence,l2,linf,ssim,beta\n");
        foreach (TargetPair p in result.Pairs) text.Append(CultureInfo.InvariantCulture, $"{p.SourceLabel},{p.TargetLabel},{p.Predicted},{p.Confidence},{p.L2},{p.Linf},{p.Ssim},{p.Beta}\n");
        return text.ToString();
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv fool</c>: images of noise that the network takes for digits.</summary>
internal static class FoolCommand
{
    private const int FrameMilliseconds = 100, LastFrameMilliseconds = 2000;

    private static readonly FoolOptions Defaults = new();

    private static readonly Option<string> Steps = new("--steps") { Description = "Numbers of steps to look at, with commas between them; the largest is that of the run", DefaultValueFactory = _ => string.Join(',', Defaults.Steps) };

    private static readonly Option<float> Lr = new("--lr") { Description = "How far a step goes along the gradient, on pixels of 0 to 1", DefaultValueFactory = _ => Defaults.Lr };

    private static readonly Option<string> Objective = new Option<string>("--objective") { Description = "What is climbed: logit, probability, cross-entropy (which is descended)", DefaultValueFactory = _ => Defaults.Objective }.AcceptOnlyFromAmong(FoolOptions.Objectives);

    private static readonly Option<bool> Clip = new("--clip") { Description = "Keep pixels in 0..255; --clip false: not", DefaultValueFactory = _ => Defaults.Clip };

    private static readonly Option<int> SaveEvery = new("--save-every") { Description = "A frame of the animation every so many steps; 0: no animation", DefaultValueFactory = _ => Defaults.SaveEvery };

    private static readonly Option<int> Seeds = new("--seeds") { Description = "So many seeds, from --seed on; pictures and tables are of the first", DefaultValueFactory = _ => Defaults.Seeds };

    private static readonly Option<bool> Regularise = new("--regularise") { Description = "Also with total variation, blur and jitter, beside the plain images; --regularise false: not", DefaultValueFactory = _ => Defaults.Regularise };

    public static Command Create()
    {
        var command = new Command("fool", "Makes an image for each class out of noise, by gradient ascent, that the network is sure of (non-targeted fooling).\n\nExamples:\n  gpuconv fool\n  gpuconv fool --steps 100,1000 --lr 0.001 --seeds 1\n  gpuconv fool --model runs/train-1/best.safetensors --objective cross-entropy --clip false");
        foreach (Option option in (Option[])[Steps, Lr, Objective, Clip, SaveEvery, Seeds, Regularise, CommonOptions.Model, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("fool.json");
    }

    private static int Run(ParseResult parsed)
    {
        FoolOptions options = OptionsOf(parsed);
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        Model model = StudyModel.OfImages(parsed, data, device);
        Shape shape = model.Network.InputShape;
        var names = ClassNames.Of(model, data);
        FoolResult result = new StudyDisplay(quiet).Follow(progress => FoolStudy.Run(device, model, data, options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "fool");
        PictureFormat format = parsed.FormatOf();
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.FoolResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "fool.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "fool.csv"), Csv(result));
        AtomicFile.WriteAllText(Path.Combine(folder, "costs.csv"), CostsCsv(result));
        float[] images = result.Images[^1].Pixels;
        NpyFile.Write(Path.Combine(folder, "images.npy"), ImagesShape(shape, model.Classes), [.. images.Select(v => 255 * v)]);
        FoolPictures.Sheet(result, shape, data.Train, names).Write(folder, "fool", format);
        FoolPictures.Costs(result, names).Write(folder, "costs", format);
        if (result.Regularised.Count > 0) FoolPictures.Regularised(result, shape, names).Write(folder, "regularised", format);
        if (options.SaveEvery > 0) AtomicFile.WriteAllBytes(Path.Combine(folder, "path.png"), Animation(result, shape, names));
        Console.Write(json ? text : Text(result, names));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    /// <summary>(class, height, width) where images are grey, else (class, channel, height, width).</summary>
    internal static Shape ImagesShape(Shape image, int count) => image[0] == 1 ? new Shape(count, image[1], image[2]) : image.Prepend(count);

    private static FoolOptions OptionsOf(ParseResult parsed)
    {
        string steps = parsed.GetValue(Steps)!;
        const int most = 100_000;
        var options = new FoolOptions
        {
            Steps = NumberText.List(steps, 1, most) ?? throw new RequestException($"--steps {steps}: whole numbers from 1 to {most}, with commas between them."),
            Lr = parsed.GetValue(Lr),
            Objective = parsed.GetValue(Objective)!,
            Clip = parsed.GetValue(Clip),
            SaveEvery = parsed.GetValue(SaveEvery),
            Seeds = parsed.GetValue(Seeds),
            Seed = parsed.GetValue(CommonOptions.Seed),
            Regularise = parsed.GetValue(Regularise),
        };
        if (options.Steps.Distinct().Count() < options.Steps.Length) throw new RequestException($"--steps {steps}: each number once.");
        if (!(options.Lr > 0) || !float.IsFinite(options.Lr)) throw new RequestException($"--lr {options.Lr}: a number above 0.");
        if (options.SaveEvery < 0) throw new RequestException($"--save-every {options.SaveEvery}: not negative.");
        if (options.Seeds is < 1 or > 100) throw new RequestException($"--seeds {options.Seeds}: from 1 to 100.");
        return options;
    }

    private static byte[] Animation(FoolResult result, Shape shape, ClassNames names)
    {
        var frames = new List<(byte[], int)>();
        foreach (Picture picture in FoolPictures.Path(result, shape, names))
            using (picture) frames.Add((picture.ToPng(), frames.Count == result.Images.Count - 1 ? LastFrameMilliseconds : FrameMilliseconds));
        return AnimatedPng.Encode(frames);
    }

    private static string Text(FoolResult result, ClassNames names)
    {
        int[] steps = [.. result.Classes.Select(r => r.Steps).Distinct().Order()];
        var table = new TextTable([">class", .. steps.Select(t => $">{t} steps"), ">the report", ">logit", ">taken for", ">steps down", ">nearest", ">distance", ">most similar", ">correlation"]);
        foreach (IGrouping<int, FoolRow> c in result.Classes.GroupBy(r => r.Class))
        {
            FoolRow last = c.MaxBy(r => r.Steps)!;
            Likeness like = result.Likeness[c.Key];
            table.Add([names[c.Key], .. c.OrderBy(r => r.Steps).Select(r => FoolPictures.Certainty(r.Doubt)), c.Select(r => r.Report).FirstOrDefault(r => r is not null)?.ToString("f4", CultureInfo.InvariantCulture) ?? "-", $"{last.Logit:f2}", names[last.Predicted], $"{result.Costs[c.Key].Falls}", names[like.NearestLabel], $"{like.NearestDistance:f2}", names[like.AlikeLabel], $"{like.AlikeCorrelation:f2}"]);
        }
        var seeds = new TextTable(">seed", ">taken for their class", ">smallest probability", ">largest", ">steps down, all classes");
        foreach (FoolSeed s in result.Seeds) seeds.Add($"{s.Seed}", $"{s.Fooled} of {s.Confidences.Count}", $"{FoolPictures.Certainty(s.MostDoubt)} ({names.Words(s.LeastClass)})", $"{FoolPictures.Certainty(s.LeastDoubt)} ({names.Words(s.LargestClass)})", $"{s.Falls.Sum()} of {s.Falls.Count * result.Classes.Max(r => r.Steps)}");
        return $"probability of each class, seed {result.Seed}; lead: 1 in float32, and by how much the logit exceeds the others together\n{table}\n{seeds}\n" + Claim.Lines(result.Claims);
    }

    private static string Csv(FoolResult result)
    {
        var text = new StringBuilder("class,steps,predicted,confidence,doubt,logit,report\n");
        foreach (FoolRow r in result.Classes) text.Append(CultureInfo.InvariantCulture, $"{r.Class},{r.Steps},{r.Predicted},{r.Confidence},{r.Doubt},{r.Logit},{r.Report}\n");
        return text.ToString();
    }

    private static string CostsCsv(FoolResult result)
    {
        var text = new StringBuilder("step,class,cost,doubt,predicted\n");
        for (int t = 0; t < result.CostBySteps[0].Length; t++)
            for (int c = 0; c < result.CostBySteps.Count; c++)
                text.Append(CultureInfo.InvariantCulture, $"{t},{c},{result.CostBySteps[c][t]},{result.DoubtBySteps[c][t]},{result.PredictedBySteps[c][t]}\n");
        return text.ToString();
    }
}

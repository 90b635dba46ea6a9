using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv activations</c>: what the network makes of images, layer by layer, and what its channels stand for.</summary>
internal static class ActivationsCommand
{
    private static readonly BestInputOptions Defaults = new();

    private static readonly Option<string> Scale = new Option<string>("--scale") { Description = "The colours of feature maps: shared (one scale for a layer) or map (one for each map)", DefaultValueFactory = _ => "shared" }.AcceptOnlyFromAmong("shared", "map");

    private static readonly Option<int> Limit = new("--limit") { Description = "Statistics and strongest images are of the first N test images; 0: of all", DefaultValueFactory = _ => 0 };

    private static readonly Option<int> Steps = new("--steps") { Description = "Steps of gradient ascent to the best inputs", DefaultValueFactory = _ => Defaults.Steps };

    private static readonly Option<int> Starts = new("--starts") { Description = "Best inputs: the highest of the peaks that are reached from so many starts", DefaultValueFactory = _ => Defaults.Starts };

    private static readonly Option<float> L2 = new("--l2") { Description = "Best inputs: weight of the squared distance from mean brightness; with 1 the pixel that matters most comes to rest a whole range of brightness from it", DefaultValueFactory = _ => Defaults.L2 };

    private static readonly Option<float> Blur = new("--blur") { Description = "Best inputs: weight of the difference from the blurred image", DefaultValueFactory = _ => Defaults.Blur };

    private static readonly Option<int?> Jitter = new("--jitter") { Description = "Best inputs: pixels that the image is moved by at random before each step; without it an eighth of what a unit sees" };

    private static readonly Option<bool> NoRegularisers = new("--no-regularisers") { Description = "Best inputs with nothing but brightness held within 0 to 255: --l2 0 --blur 0 --jitter 0" };

    public static Command Create()
    {
        var command = new Command("activations", "Feature maps of images after every layer; over the test set how active each channel is, which images drive it most, and the input that excites it most.\n\nExamples:\n  gpuconv activations\n  gpuconv activations --model runs/train-1/best.safetensors --images 0,5,17 --scale map\n  gpuconv activations --misclassified --count 3 --no-regularisers");
        StudyImages.AddTo(command);
        foreach (Option option in (Option[])[Scale, Limit, Steps, Starts, L2, Blur, Jitter, NoRegularisers, CommonOptions.Model, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("activations.json");
    }

    private static int Run(ParseResult parsed)
    {
        ActivationsOptions options = OptionsOf(parsed);
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet), eachItsOwnScale = parsed.GetValue(Scale) == "map";
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        Model model = StudyModel.Of(parsed, data, device);
        StudyModel.RequireFit(model, data);
        using var outputs = new LayerOutputs(device, model);
        (IReadOnlyList<StudyImage> images, int[] predicted) = ImagesOf(parsed, data, device, model);
        ActivationsResult result = new StudyDisplay(quiet).Follow(progress => ActivationsStudy.Run(outputs, data.Test, options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "activations");
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.ActivationsResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "activations.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "activations.csv"), Csv(result));
        AtomicFile.WriteAllText(Path.Combine(folder, "strongest.csv"), StrongestCsv(result));
        foreach (ChannelLayer layer in result.Layers)
            ActivationsPictures.Page(layer, data.Test, result).Write(folder, $"{layer.Name}-channels", parsed.FormatOf());
        float[][][] maps = [.. images.Select(outputs.Maps)];
        // Of every stage (image, channel, height, width).
        NpzFile.Write(Path.Combine(folder, "activations.npz"), outputs.Stages.Select((node, stage) =>
            (model.Network.Nodes[node].Name, model.Network.Nodes[node].OutputShape.Prepend(images.Count), maps.SelectMany(m => m[stage]).ToArray())));
        for (int i = 0; i < images.Count; i++)
        {
            Invocation.Token.ThrowIfCancellationRequested();
            ActivationsPictures.Sheet(images[i], predicted[i], model.Network, outputs.Stages, maps[i], result, eachItsOwnScale, ClassNames.Of(model, data)).Write(folder, StudyFolder.FileName(images[i].Name, i), parsed.FormatOf());
        }
        Console.Write(json ? text : Text(result));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    private static ActivationsOptions OptionsOf(ParseResult parsed)
    {
        var best = new BestInputOptions { Steps = parsed.GetValue(Steps), Starts = parsed.GetValue(Starts), L2 = parsed.GetValue(L2), Blur = parsed.GetValue(Blur), Jitter = parsed.GetValue(Jitter), Seed = parsed.GetValue(CommonOptions.Seed) };
        if (parsed.GetValue(NoRegularisers))
        {
            if (((Option[])[L2, Blur, Jitter]).FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } given) throw new RequestException($"--no-regularisers and {given.Name} contradict each other.");
            best = best.WithoutRegularisers;
        }
        return new ActivationsOptions { Limit = parsed.GetValue(Limit), BestInput = best };
    }

    private static (IReadOnlyList<StudyImage>, int[] Predicted) ImagesOf(ParseResult parsed, DataSet data, Device device, Model model)
    {
        using var predictor = new Predictor(device, model);
        IReadOnlyList<StudyImage> images = StudyImages.Select(parsed, data, predictor);
        return (images, [.. images.Select(i => Predictor.MostProbable(predictor.Probabilities(i.Pixels)))]);
    }

    private static string Text(ActivationsResult result)
    {
        var table = new TextTable("layer", ">channels", ">dead", ">sees", ">best input above all images", ">without regularisers");
        foreach (ChannelLayer l in result.Layers)
        {
            int live = l.Channels.Count(c => !c.Dead);
            table.Add(l.Name, $"{l.Channels.Count}", $"{l.Channels.Count - live}", $"{l.FieldHeight} x {l.FieldWidth}", $"{l.Above} of {live}", $"{l.AboveUnregularised} of {live}{(l.LevelUnregularised > 0 ? $", {l.LevelUnregularised} as much" : "")}");
        }
        return $"over {result.Images:n0} test images\n{table}";
    }

    private static string Csv(ActivationsResult result)
    {
        var text = new StringBuilder("stage,channel,maximum,mean,active_images,active_positions,dead,best_input,unregularised\n");
        foreach (StageFigures s in result.Stages)
        {
            foreach (ChannelFigures c in s.Channels)
            {
                ChannelPortrait? portrait = result.Layers.FirstOrDefault(l => l.Measured == s.Name)?.Channels[c.Index];
                text.Append(CultureInfo.InvariantCulture, $"{s.Name},{c.Index},{c.Maximum},{c.Mean},{c.ActiveImages},{c.ActivePositions},{(c.Dead ? 1 : 0)},{portrait?.BestInput},{portrait?.Unregularised}\n");
            }
        }
        return text.ToString();
    }

    private static string StrongestCsv(ActivationsResult result)
    {
        var text = new StringBuilder("layer,channel,rank,image,label,row,column,value,field_top,field_left,field_height,field_width\n");
        foreach (ChannelLayer l in result.Layers)
            foreach (ChannelPortrait c in l.Channels)
                foreach ((int rank, StrongImage s) in c.Strongest.Index())
                    text.Append(CultureInfo.InvariantCulture, $"{l.Name},{c.Index},{rank + 1},{s.Image},{s.Label},{s.Row},{s.Column},{s.Value},{s.Top},{s.Left},{l.FieldHeight},{l.FieldWidth}\n");
        return text.ToString();
    }
}

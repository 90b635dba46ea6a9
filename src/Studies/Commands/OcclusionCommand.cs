using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv occlusion</c>: where the network looks, by what covering it takes away.</summary>
internal static class OcclusionCommand
{
    private static readonly OcclusionOptions Defaults = new();

    private static readonly Option<string?> Sizes = new("--sizes") { Description = $"Heights and widths of the window, with commas between them; without it {string.Join(',', Defaults.Sizes)}, of these what fits the images" };

    private static readonly Option<int> Stride = new("--stride") { Description = "Pixels from one window to the next", DefaultValueFactory = _ => Defaults.Stride };

    private static readonly Option<string> Fill = new Option<string>("--fill") { Description = "What shows inside the window: zero (black), mean (of the training images), grey, noise, blur", DefaultValueFactory = _ => Defaults.Fill }.AcceptOnlyFromAmong(Cover.Names);

    private static readonly Option<bool> PerPixel = new("--per-pixel") { Description = "Draw the mean over the windows that cover a pixel instead of a cell for each window" };

    public static Command Create()
    {
        var command = new Command("occlusion", "Moves a window over images and shows what becomes of the probability of their class, for several sizes.\n\nExamples:\n  gpuconv occlusion\n  gpuconv occlusion --model runs/train-1/best.safetensors --images 0,5,17 --fill mean\n  gpuconv occlusion --misclassified --count 5 --sizes 4,8 --stride 2");
        StudyImages.AddTo(command);
        foreach (Option option in (Option[])[Sizes, Stride, Fill, PerPixel, CommonOptions.Model, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("occlusion.json");
    }

    private static int Run(ParseResult parsed)
    {
        int[]? sizes = SizesOf(parsed);
        var options = new OcclusionOptions { Stride = parsed.GetValue(Stride), Fill = parsed.GetValue(Fill)!, Seed = parsed.GetValue(CommonOptions.Seed) };
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet), perPixel = parsed.GetValue(PerPixel);
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        using var predictor = new Predictor(device, StudyModel.Of(parsed, data, device));
        var names = ClassNames.Of(predictor.Model, data);
        IReadOnlyList<StudyImage> images = StudyImages.Select(parsed, data, predictor);
        options = options with { Sizes = sizes ?? OcclusionStudy.SizesFor(predictor.Model.Network.InputShape) };
        OcclusionResult result = new StudyDisplay(quiet).Follow(progress => OcclusionStudy.Run(predictor, images, data.Test, options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "occlusion");
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.OcclusionResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "occlusion.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "occlusion.csv"), Csv(result));
        OcclusionPictures.Page(result, images, perPixel, names).Write(folder, "occlusion", parsed.FormatOf());
        for (int i = 0; i < result.Images.Count; i++)
            OcclusionPictures.Sheet(result.Images[i], images[i], result.Fill, result.Stride, perPixel, names).Write(folder, StudyFolder.FileName(result.Images[i].Name, i), parsed.FormatOf());
        Console.Write(json ? text : Text(result));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    private static int[]? SizesOf(ParseResult parsed)
    {
        if (parsed.GetValue(Sizes) is not { } text) return null;
        return NumberText.List(text, 1, int.MaxValue) ?? throw new RequestException($"--sizes {text}: whole numbers from 1, with commas between them.");
    }

    private static string Text(OcclusionResult result)
    {
        var table = new TextTable(">window", ">mean", ">smallest", ">images lost", ">loss on ink");
        foreach (SizeSummary s in result.Summary) table.Add($"{s.Size}", $"{s.Mean:f4}", $"{s.Minimum:f4}", $"{100 * s.LostImages:f0} %", s.InkShareOfDrop is { } share ? $"{100 * share:f0} %" : "-");
        double ink = result.Images.Average(i => i.InkShare);
        return $"probability of the class, {result.Images.Count} images; ink is {100 * ink:f0} % of them\n{table}\n" + Claim.Lines(result.Claims);
    }

    private static string Csv(OcclusionResult result)
    {
        var text = new StringBuilder("image,index,label,predicted,class,probability,ink_share,size,mean,minimum,ink_share_of_drop\n");
        foreach (OccludedImage i in result.Images)
            foreach (OccludedSize s in i.Sizes)
                text.Append(CultureInfo.InvariantCulture, $"{CsvText.Quoted(i.Name)},{i.Index},{i.Label},{i.Predicted},{i.Class},{i.Probability},{i.InkShare},{s.Size},{s.Mean},{s.Minimum},{s.InkShareOfDrop}\n");
        return text.ToString();
    }
}

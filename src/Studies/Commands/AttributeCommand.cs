using System.CommandLine;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv attribute</c>: what counts for a class in an image, by several methods, and what the methods are worth.</summary>
internal static class AttributeCommand
{
    private static readonly AttributeOptions Defaults = new();

    private static readonly Option<string> Methods = new("--methods") { Description = $"Methods, with commas between them: all, or of {string.Join(", ", AttributionMethods.Names)}", DefaultValueFactory = _ => "all" };

    private static readonly Option<string> Target = new("--target") { Description = "The class whose score is explained: predicted (the one that the image is taken for, as in the literature), label, or a class", DefaultValueFactory = _ => Defaults.Target };

    private static readonly Option<int> Steps = new("--steps") { Description = "Points of integrated gradients", DefaultValueFactory = _ => Defaults.Steps };

    private static readonly Option<string> Baseline = new Option<string>("--baseline") { Description = "What stands for nothing in integrated gradients, occlusion, deletion and insertion: zero (black), mean (of the training images), grey, noise, blur", DefaultValueFactory = _ => Defaults.Baseline }.AcceptOnlyFromAmong(Cover.Names);

    private static readonly Option<int> Samples = new("--samples") { Description = "Noisy copies of SmoothGrad", DefaultValueFactory = _ => Defaults.Samples };

    private static readonly Option<float> Noise = new("--noise") { Description = "SmoothGrad's noise: its standard deviation as a share of the image's range", DefaultValueFactory = _ => Defaults.Noise };

    private static readonly Option<float> Epsilon = new("--epsilon") { Description = "The stabiliser of layer-wise relevance, in units of the layers' outputs", DefaultValueFactory = _ => Defaults.Epsilon };

    private static readonly Option<string?> Layer = new("--layer") { Description = "The layer that Grad-CAM looks at; without it the last convolution, after its activation" };

    private static readonly Option<int?> Window = new("--window") { Description = $"Height and width of occlusion's window; without it {Defaults.Window}, or what fits the images" };

    private static readonly Option<int> Stride = new("--stride") { Description = "Pixels from one window to the next", DefaultValueFactory = _ => Defaults.WindowStride };

    private static readonly Option<string> Sanity = new Option<string>("--sanity") { Description = "Sanity checks: all; weights (layers drawn anew, no training on shuffled labels); none", DefaultValueFactory = _ => Defaults.Sanity }.AcceptOnlyFromAmong(SanityChecks.Names);

    public static Command Create()
    {
        var command = new Command("attribute", "What in an image counts for its class: saliency, gradient times input, SmoothGrad, integrated gradients, guided backpropagation, deconvolution, Grad-CAM, layer-wise relevance and occlusion side by side, judged by deletion, insertion and sanity checks.\n\nExamples:\n  gpuconv attribute\n  gpuconv attribute --model runs/train-1/best.safetensors --images 0,5,17 --methods saliency,lrp --sanity none\n  gpuconv attribute --misclassified --count 5 --target label --steps 256 --baseline mean");
        StudyImages.AddTo(command);
        foreach (Option option in (Option[])[Methods, Target, Steps, Baseline, Samples, Noise, Epsilon, Layer, Window, Stride, Sanity, CommonOptions.Model, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("attribute.json");
    }

    private static int Run(ParseResult parsed)
    {
        string methods = parsed.GetValue(Methods)!;
        var options = new AttributeOptions
        {
            Methods = methods == "all" ? [] : methods.Split(',', StringSplitOptions.TrimEntries),
            Target = parsed.GetValue(Target)!,
            Steps = parsed.GetValue(Steps),
            Baseline = parsed.GetValue(Baseline)!,
            Samples = parsed.GetValue(Samples),
            Noise = parsed.GetValue(Noise),
            Epsilon = parsed.GetValue(Epsilon),
            Layer = parsed.GetValue(Layer),
            WindowStride = parsed.GetValue(Stride),
            Sanity = parsed.GetValue(Sanity)!,
            Seed = parsed.GetValue(CommonOptions.Seed),
        };
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        using var predictor = new Predictor(device, StudyModel.Of(parsed, data, device));
        var names = ClassNames.Of(predictor.Model, data);
        IReadOnlyList<StudyImage> images = StudyImages.Select(parsed, data, predictor);
        options = options with { Window = parsed.GetValue(Window) ?? Math.Min(Defaults.Window, OcclusionStudy.SizesFor(predictor.Model.Network.InputShape).Max()) };
        (AttributeResult result, FirstMaps first) = new StudyDisplay(quiet).Follow(progress => AttributeStudy.Run(predictor, data, images, options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "attribute");
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.AttributeResult) + "\n";
        PictureFormat format = parsed.FormatOf();
        AtomicFile.WriteAllText(Path.Combine(folder, "attribute.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "attribute.csv"), AttributeText.Csv(result));
        NpyFile.Write(
            Path.Combine(folder, "attributions.npy"), new Shape(images.Count, result.Methods.Count, images[0].Shape[1], images[0].Shape[2]),
            [.. result.Images.SelectMany(i => i.Maps).SelectMany(m => m.Map).SelectMany(row => row)]);
        AttributeSheet.Draw(result, images, names).Write(folder, "attribute", format);
        ExchangePicture.Draw(result, names).Write(folder, "curves", format);
        if (options.Sanity != SanityChecks.None)
        {
            AtomicFile.WriteAllText(Path.Combine(folder, "sanity.csv"), AttributeText.SanityCsv(result));
            SanityPicture.Draw(result).Write(folder, "sanity", format);
            RandomisedMaps.Draw(result, first, images[0], names).Write(folder, "sanity-maps", format);
        }
        Console.Write(json ? text : AttributeText.Of(result, names));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv filters</c>: what a network's filters are.</summary>
internal static class FiltersCommand
{
    private static readonly Option<string> Sort = new Option<string>("--sort") { Description = "The filters' order: energy (largest first), orientation, index", DefaultValueFactory = _ => "index" }.AcceptOnlyFromAmong(FiltersStudy.Orders);

    private static readonly Option<int> Limit = new("--limit") { Description = "The energy by frequency is the mean over the first N test images; 0: over all", DefaultValueFactory = _ => 0 };

    public static Command Create()
    {
        var command = new Command("filters", "The filters of all convolutions, what each lets pass by spatial frequency, and what the layers do to images' frequencies.\n\nExamples:\n  gpuconv filters\n  gpuconv filters --model runs/train-1/best.safetensors --sort energy")
        {
            Sort,
            Limit,
            CommonOptions.Model,
            CommonOptions.Data, CommonOptions.ImageSize, CommonOptions.Transpose,
            NetworkInput.Network, NetworkInput.Normalise, NetworkInput.ExternalData, NetworkInput.AllowExtra,
            CommonOptions.Out, FinishedResult.Overwrite, CommonOptions.Format,
            CommonOptions.DeviceName,
            CommonOptions.Threads,
            CommonOptions.Json,
            CommonOptions.Quiet,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command.Keep("filters.json");
    }

    private static int Run(ParseResult parsed)
    {
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        if (parsed.GetValue(Limit) < 0) throw new RequestException($"--limit {parsed.GetValue(Limit)}: not negative.");
        DataSet data = StudyData.Load(parsed);
        using Device device = parsed.OpenDevice();
        Model model = StudyModel.Of(parsed, data, device);
        StudyModel.RequireFit(model, data);
        int count = parsed.GetValue(Limit) is > 0 and var limit ? Math.Min(limit, data.Test.Count) : data.Test.Count;
        FiltersResult result = new StudyDisplay(quiet).Follow(progress => FiltersStudy.Run(device, model, data.Test, count, parsed.GetValue(Sort)!, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "filters");
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.FiltersResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "filters.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "filters.csv"), Csv(result));
        foreach (FilterLayer layer in result.Layers)
        {
            FiltersPictures.Layer(layer).Write(folder, layer.Name, parsed.FormatOf());
            if (layer.Kernel.Channels > 1) FiltersPictures.Kernels(layer).Write(folder, $"{layer.Name}-kernels", parsed.FormatOf());
        }
        FiltersPictures.Frequencies(result).Write(folder, "frequencies", parsed.FormatOf());
        Console.Write(json ? text : Text(result));
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    private static string Text(FiltersResult result)
    {
        var kinds = new TextTable("layer", ">filters", ">low-pass", ">band-pass", ">high-pass");
        foreach (FilterLayer l in result.Layers) kinds.Add(l.Name, $"{l.Filters.Count}", $"{100 * l.Shares.LowPass:f0} %", $"{100 * l.Shares.BandPass:f0} %", $"{100 * l.Shares.HighPass:f0} %");
        var stages = new TextTable("output of", ">energy", ">at zero", ">mean frequency");
        foreach (StageEnergy s in result.Stages) stages.Add(s.Stage, $"{s.Energy:f4}", $"{100 * s.EvenShare:f1} %", $"{s.MeanFrequency:f3}");
        return $"{kinds}\n{stages}\n" + Claim.Lines(result.Claims);
    }

    private static string Csv(FiltersResult result)
    {
        var text = new StringBuilder("layer,index,kind,gain_zero,gain_high,orientation_degrees,coherence,energy\n");
        foreach (FilterLayer l in result.Layers)
            foreach (FilterFigures f in l.Filters)
                text.Append(CultureInfo.InvariantCulture, $"{l.Name},{f.Index},{f.Kind},{f.GainZero},{f.GainHigh},{f.OrientationDegrees},{f.Coherence},{f.Energy}\n");
        return text.ToString();
    }
}

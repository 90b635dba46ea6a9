using System.CommandLine;
using System.Text.Json;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv onnx export</c>: writes a model as an ONNX file.</summary>
internal static class OnnxExportCommand
{
    private static readonly OnnxExportOptions Defaults = new();

    private static readonly Option<string> Out = new("--out") { Description = "The file to write", Required = true };

    private static readonly Option<int> Opset = new("--opset") { Description = $"The version of ONNX's operators, {OnnxExport.OldestOpset} to {OnnxExport.NewestOpset}", DefaultValueFactory = _ => Defaults.Opset };

    private static readonly Option<int> Batch = new("--batch") { Description = "Images of one run; 0: any number", DefaultValueFactory = _ => Defaults.Batch };

    private static readonly Option<bool> Fold = new("--fold-batch-norm") { Description = "Take batch normalisations into the layers before them" };

    public static Command Create()
    {
        var command = new Command("export", """
            Writes a model as an ONNX file. Its input are images as pixel/255, (N, channels, height, width); their normalisation is part of the graph.

            Examples:
              gpuconv onnx export --model runs/train-1/best.safetensors --out model.onnx
              gpuconv onnx export --model runs/train-1/best.safetensors --out model.onnx --fold-batch-norm --opset 13
              gpuconv onnx export --model elsewhere.onnx --external-data --out whole.onnx
            """)
        {
            CommonOptions.Model,
            Out, FinishedResult.Overwrite,
            Fold,
            Opset,
            Batch,
            CommonOptions.Data,
            NetworkInput.Network,
            NetworkInput.Normalise,
            NetworkInput.ExternalData,
            NetworkInput.AllowExtra,
            CommonOptions.Json,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parsed)
    {
        string path = parsed.GetValue(Out)!;
        var options = new OnnxExportOptions { Opset = parsed.GetValue(Opset), Batch = parsed.GetValue(Batch), FoldBatchNormalization = parsed.GetValue(Fold) };
        if (options.Batch < 0) throw new RequestException($"--batch {options.Batch}: not negative.");
        if (Directory.Exists(path)) throw new RequestException($"--out {path} is a folder: give the name of a file, as model.onnx.");
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder)) throw new RequestException($"--out {path}: there is no folder {folder}.");
        Model model = parsed.ReadModel();
        byte[] bytes;
        try
        {
            bytes = OnnxExport.ToBytes(model, options);
        }
        catch (ArgumentException e)
        {
            throw new RequestException(e.Message);
        }
        if (File.Exists(path) && !parsed.GetValue(FinishedResult.Overwrite)) throw new RequestException(FinishedResult.Refusal(path));
        AtomicFile.WriteAllBytes(path, bytes);
        var facts = new OnnxExportJson(path, bytes.Length, options.Opset, OnnxExport.Input, model.Network.InputShape.ToArray(), model.Network.Nodes[^1].Name, model.Network.OutputShape.ToArray());
        Console.Write(parsed.GetValue(CommonOptions.Json)
            ? JsonSerializer.Serialize(facts, StudiesJson.Default.OnnxExportJson) + "\n"
            : $"{path}: opset {options.Opset}, {bytes.Length:n0} bytes\ninput '{facts.Input}': {BatchText(options)} x {string.Join(" x ", facts.InputShape)}, pixel/255\noutput '{facts.Output}': {BatchText(options)} x {string.Join(" x ", facts.OutputShape)}\n");
        return Invocation.Done;
    }

    private static string BatchText(OnnxExportOptions options) => options.Batch == 0 ? "N" : $"{options.Batch}";
}

/// <summary>What was written; shapes without the batch.</summary>
internal sealed record OnnxExportJson(string File, long Bytes, int Opset, string Input, int[] InputShape, string Output, int[] OutputShape);

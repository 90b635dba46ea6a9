using System.CommandLine;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv summary</c>: the network layer by layer.</summary>
internal static class SummaryCommand
{
    private static readonly Option<bool> BatchNorm = new("--batch-norm") { Description = "The report's network with batch normalisation" };

    public static Command Create()
    {
        var command = new Command("summary", "Prints the network layer by layer: shapes, parameters, neurons, and totals; with --out as a picture too.\n\nExamples:\n  gpuconv summary --batch-norm\n  gpuconv summary --network my-network.txt\n  gpuconv summary --model runs/train-1/best.safetensors --out network")
        {
            BatchNorm,
            NetworkInput.Network,
            CommonOptions.Model, NetworkInput.ExternalData, NetworkInput.AllowExtra,
            CommonOptions.Data, CommonOptions.ImageSize, CommonOptions.Transpose,
            CommonOptions.Out, FinishedResult.Overwrite, CommonOptions.Format,
            CommonOptions.Json,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command.Keep("summary.txt");
    }

    private static int Run(ParseResult parsed)
    {
        Network network = NetworkOf(parsed);
        NetworkSummary summary = NetworkSummary.Of(network);
        if (parsed.GetValue(CommonOptions.Out) is { } folder)
        {
            Directory.CreateDirectory(folder);
            AtomicFile.WriteAllText(Path.Combine(folder, "summary.txt"), SummaryText.Of(summary));
            TrainingPictures.Network(network).Write(folder, "network", parsed.FormatOf());
        }
        Console.Write(parsed.GetValue(CommonOptions.Json) ? JsonSerializer.Serialize(SummaryJson.From(summary), StudiesJson.Default.SummaryJson) + "\n" : SummaryText.Of(summary));
        return Invocation.Done;
    }

    private static Network NetworkOf(ParseResult parsed)
    {
        if (parsed.GetValue(CommonOptions.Model) is not null)
        {
            return parsed.GetValue(BatchNorm) ? throw new RequestException("--batch-norm and --model contradict each other: the model's file says what its network is.") : parsed.ReadModel().Network;
        }
        if (parsed.GetValue(BatchNorm) && NetworkInput.TextOf(parsed) is not null) throw new RequestException("--batch-norm is for the report's network: write its layers into the text of --network.");
        DataSet data = StudyData.Load(parsed);
        return NetworkInput.Of(parsed, data.Train.ImageShape) ?? Network.Report(data.Train.ImageShape, data.Classes, parsed.GetValue(BatchNorm));
    }
}

using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv bench</c>: times the program on this machine.</summary>
internal static class BenchCommand
{
    private static readonly BenchOptions Defaults = new();

    private static readonly Option<string> What = new Option<string>("--what")
    {
        Description = "steps (training), inference, kernels or all",
        DefaultValueFactory = _ => "all",
    }.AcceptOnlyFromAmong("steps", "inference", "kernels", "all");

    private static readonly Option<string?> Batch = new("--batch") { Description = "Batch sizes of steps and inference, as 64,256; without it 1,16,64,256,1024, with --image-size 16" };

    private static readonly Option<string?> ImageSize = new("--image-size") { Description = "Heights and widths of the images, as 28,56,112,224: the same network on larger images; without it 28" };

    private static readonly Option<string?> ThreadList = new("--thread-list") { Description = "Steps and inference with each of these numbers of threads, as 1,2,4; CPU only" };

    private static readonly Option<string?> Only = new("--only") { Description = "Of the kernels only those whose heading contains this text, as conv2 or ResNet" };

    private static readonly Option<double> Seconds = new("--seconds") { Description = "Seconds that each network and each kernel is timed for", DefaultValueFactory = _ => Defaults.Seconds };

    public static Command Create()
    {
        var command = new Command("bench", """
            Times the program on this machine: training steps and inference by batch size, with and without batch normalisation, and each
            kernel beside what the device can do, which is measured on the spot. A kernel whose results are not right is not timed.

            Examples:
              gpuconv bench
              gpuconv bench --what kernels --only conv2 --seconds 2
              gpuconv bench --json > bench.json
              gpuconv bench --what steps --batch 64,256 --thread-list 1,2
              gpuconv bench --what steps --image-size 28,56,112,224 --batch 16
            """)
        {
            What,
            Batch,
            ImageSize,
            ThreadList,
            Only,
            Seconds,
            CommonOptions.DeviceName,
            CommonOptions.Math,
            CommonOptions.Threads,
            CommonOptions.Out, FinishedResult.Overwrite,
            CommonOptions.Json,
            CommonOptions.Quiet,
            CommonOptions.Verbose,
        };
        command.SetAction(Run);
        return command.Keep("bench.json");
    }

    private static int Run(ParseResult parsed)
    {
        double seconds = parsed.GetValue(Seconds);
        if (!(seconds is > 0 and <= 3600)) throw new RequestException($"--seconds {seconds.ToString(CultureInfo.InvariantCulture)}: above 0, up to 3600.");
        BenchParts what = Enum.Parse<BenchParts>(parsed.GetValue(What)!, ignoreCase: true);
        int[]? threads = List(parsed, ThreadList, 1, 1024);
        var options = new BenchOptions
        {
            What = what,
            Batches = List(parsed, Batch, 1, 1 << 20),
            // Pooled twice by two, an image of less than four pixels leaves nothing.
            ImageSizes = List(parsed, ImageSize, 4, 4096),
            Only = parsed.GetValue(Only),
            Seconds = seconds,
        };
        if (what == BenchParts.Kernels && (options.Batches ?? options.ImageSizes ?? threads) is not null)
            throw new RequestException("--batch, --image-size and --thread-list are for steps and inference; --what kernels times neither.");
        if (!what.HasFlag(BenchParts.Kernels) && options.Only is not null) throw new RequestException("--only is for kernels: --what all or kernels.");

        using Device device = parsed.OpenDevice();
        if (threads is not null && device.Kind != DeviceKind.Cpu) throw new RequestException($"--thread-list is for --device cpu; {device.Name} has no such threads.");
        Func<Device>[] others = [.. (threads ?? []).Select<int, Func<Device>>(t => () => Device.Open("cpu", t))];
        var display = new StudyDisplay(parsed.GetValue(CommonOptions.Quiet));
        BenchResult result = display.Follow(progress => Benchmark.Run(device, options, others, progress, Invocation.Token));
        string json = JsonSerializer.Serialize(result, StudiesJson.Default.BenchResult) + "\n";
        if (parsed.GetValue(CommonOptions.Out) is { } folder)
        {
            Directory.CreateDirectory(folder);
            AtomicFile.WriteAllText(Path.Combine(folder, "bench.json"), json);
        }
        Console.Write(parsed.GetValue(CommonOptions.Json) ? json : BenchText.Of(result));
        return Invocation.Done;
    }

    private static int[]? List(ParseResult parsed, Option<string?> option, int least, int most)
    {
        if (parsed.GetValue(option) is not { } text) return null;
        return NumberText.List(text, least, most) ?? throw new RequestException($"{option.Name} {text}: whole numbers from {least} to {most}, with commas between them.");
    }
}

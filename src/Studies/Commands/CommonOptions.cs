using System.CommandLine;
using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Options that several commands share: one definition, one default, one help text each.</summary>
internal static class CommonOptions
{
    public static readonly Option<string> DeviceName = new("--device")
    {
        Description = "auto, cpu, cuda[:N], opencl[:N] or simulated; 'gpuconv devices' lists what is here",
        DefaultValueFactory = _ => "auto",
        CompletionSources = { "auto", "cpu", "cuda", "opencl", "simulated" },
    };

    public static readonly Option<int> Threads = new("--threads")
    {
        Description = "Threads of the CPU accelerator; 0: one for each processor",
        DefaultValueFactory = _ => 0,
    };

    public static readonly Option<string> Math = new Option<string>("--math")
    {
        Description = "Products in fp32, or in tf32: eleven significant bits, on tensor cores (CUDA, compute capability 8.0 or later)",
        DefaultValueFactory = _ => "fp32",
    }.AcceptOnlyFromAmong("fp32", "tf32");

    public static readonly Option<string> Data = new("--data")
    {
        Description = "mnist, which is built in; a folder with four IDX files, gzipped or not; a folder with a folder of pictures for each class, or with two such folders: train and test; an .npz or .csv file",
        DefaultValueFactory = _ => "mnist",
    };

    public static readonly Option<string?> ImageSize = new("--image-size") { Description = "With --data of pictures: the size that all are scaled to, N or HEIGHTxWIDTH; without it they must be of one size" };

    public static readonly Option<string> Transpose = new Option<string>("--transpose")
    {
        Description = "Whether images are stored with rows and columns exchanged: auto (EMNIST's files, by their name), yes, no",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "yes", "no");

    /// <summary>What says which data and how they are read.</summary>
    public static readonly Option[] OfData = [Data, ImageSize, Transpose];

    public static readonly Option<ulong> Seed = new("--seed")
    {
        Description = "Seed of everything that is random",
        DefaultValueFactory = _ => 1,
    };

    public static readonly Option<bool> Json = new("--json") { Description = "Print the result as JSON on standard output, nothing else" };

    public static readonly Option<bool> Quiet = new("--quiet") { Description = "Show no progress" };

    public static readonly Option<bool> Verbose = new("--verbose") { Description = "Show where an error comes from" };

    public static readonly Option<string> Model = new("--model") { Description = "A model that 'gpuconv train' wrote (best.safetensors, model.safetensors), a safetensors file with weights from PyTorch, or an ONNX file" };

    public static readonly Option<int> Views = new Option<int>("--views")
    {
        Description = "Views of each test image that scores are averaged over: 1: the image; 5: it is moved by a pixel in four directions too; 7: and turned by 8 degrees both ways; 15: and each turn moved so",
        DefaultValueFactory = _ => 1,
    }.AcceptOnlyFromAmong([.. GpuConv.Net.Views.Counts.Select(n => $"{n}")]);

    public static readonly Option<string> Format = new Option<string>("--format") { Description = "Pictures as png, or as vectors: svg, pdf", DefaultValueFactory = _ => "png" }.AcceptOnlyFromAmong(PictureFile.Names);

    public static readonly Option<string?> Out = new("--out") { Description = "Folder for the results" };

    /// <summary>What every study takes beside its own options and its model.</summary>
    public static readonly Option[] OfStudies = [.. OfData, NetworkInput.Network, NetworkInput.Normalise, NetworkInput.ExternalData, NetworkInput.AllowExtra, Seed, Out, FinishedResult.Overwrite, Format, DeviceName, Threads, Json, Quiet, Verbose];

    public static PictureFormat FormatOf(this ParseResult parsed) => PictureFile.Parse(parsed.GetValue(Format)!);

    public static Device OpenDevice(this ParseResult parsed) => Device.Open(parsed.GetValue(DeviceName)!, parsed.GetValue(Threads), MathModeOf(parsed.GetValue(Math)!));

    /// <summary>The views of a value of <see cref="Views"/>; null for the image alone.</summary>
    public static IReadOnlyList<ImageMove>? ViewsOf(int count) => count == 1 ? null : GpuConv.Net.Views.Of(count);

    /// <summary>What a value of <see cref="Math"/> means.</summary>
    public static MathMode MathModeOf(string name) => name == "tf32" ? MathMode.Tf32 : MathMode.Fp32;

    /// <summary>The model that a command cannot do without.</summary>
    public static GpuConv.Net.Model ReadModel(this ParseResult parsed) =>
        StudyModel.Read(parsed, parsed.GetValue(Model) ?? throw new RequestException("--model FILE is missing: a model that 'gpuconv train' wrote, as runs/train-1/best.safetensors."));
}

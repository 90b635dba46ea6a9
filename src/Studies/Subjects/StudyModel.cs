using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The network that a study looks at: --model, or one that is trained for it by the report's recipe and kept in the user's cache folder for the next
/// time, by all options, the data's hash and the program's build, so that no other build's weights are taken for this one's.
/// </summary>
internal static class StudyModel
{
    /// <summary>The model.</summary>
    /// <exception cref="ModelFileException">The file is missing or damaged.</exception>
    public static Model Of(ParseResult parsed, DataSet data, Device device) =>
        Of(parsed, CommonOptions.Model, data, device, new TrainSettings());

    /// <summary>Another network than <see cref="Of(ParseResult, DataSet, Device)"/>: of an option, or with batch normalisation and trained from another seed.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="option">The option that names its file.</param>
    /// <param name="data">What it is trained on.</param>
    /// <param name="device">The device.</param>
    /// <exception cref="ModelFileException">The file is missing or damaged.</exception>
    public static Model Another(ParseResult parsed, Option<string> option, DataSet data, Device device) => Of(parsed, option, data, device, new TrainSettings { Seed = 2, BatchNorm = true });

    private static Model Of(ParseResult parsed, Option<string> option, DataSet data, Device device, TrainSettings settings)
    {
        if (parsed.GetValue(option) is { } file) return Read(parsed, file, data);
        if (option == CommonOptions.Model) settings = settings with { Network = NetworkInput.Of(parsed, data.Train.ImageShape)?.ToString() };
        settings = settings with { Data = TrainCommand.DataOf(parsed), ImageSize = parsed.GetValue(CommonOptions.ImageSize), Transpose = parsed.GetValue(CommonOptions.Transpose)!, Validation = TrainSettings.ValidationOf(data), Device = parsed.GetValue(CommonOptions.DeviceName)!, Threads = parsed.GetValue(CommonOptions.Threads) };
        return Trained(settings, option.Name, data, device.Kind, parsed.GetValue(CommonOptions.Quiet) || parsed.GetValue(CommonOptions.Json));
    }

    /// <summary>A model's file, of ours or with the network and the normalisation that the options name.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="file">The file.</param>
    /// <param name="known">The data set of --data; null: it is loaded if the file's own words do not suffice.</param>
    /// <exception cref="ModelFileException">The file is missing or damaged, or belongs to another network.</exception>
    /// <exception cref="RequestException">The file says itself what the options name.</exception>
    public static Model Read(ParseResult parsed, string file, DataSet? known = null)
    {
        bool asked = false;
        Model model = Model.Read(file, new ModelReading { Context = Context, ExternalData = parsed.GetValue(NetworkInput.ExternalData), AllowExtra = parsed.GetValue(NetworkInput.AllowExtra) });
        if (asked) return model;
        if (NetworkInput.NormalisationOf(parsed) is not null) throw new RequestException($"--normalise: {file} says itself how its images are normalised.");
        if (NetworkInput.Of(parsed, model.Network.InputShape) is { } network && network.ToString() != model.Network.ToString())
            throw new RequestException($"--network is not what {file} says of itself: leave it out.");
        return model;

        ModelContext Context()
        {
            asked = true;
            DataSet data = known ?? StudyData.Load(parsed);
            (float mean, float deviation) = NetworkInput.NormalisationOf(parsed) ?? (data.Mean, data.Deviation);
            return new ModelContext(data.Test.ImageShape, mean, deviation, data.Name, NetworkInput.Of(parsed, data.Test.ImageShape));
        }
    }

    /// <summary>The model, which takes the data set's images.</summary>
    /// <exception cref="RequestException">It takes others, or no images at all.</exception>
    public static Model OfImages(ParseResult parsed, DataSet data, Device device)
    {
        Model model = Of(parsed, data, device);
        RequireFit(model, data);
        Shape shape = model.Network.InputShape;
        return shape.Rank == 3 ? model : throw new RequestException($"The model takes {shape}: this study is for networks of images (channels, height, width).");
    }

    /// <summary>Requires that a data set's images are what the model takes.</summary>
    /// <param name="model">The model.</param>
    /// <param name="data">The data set.</param>
    /// <param name="otherwise">What else could be given, to end the message with.</param>
    /// <exception cref="RequestException">They are not.</exception>
    public static void RequireFit(Model model, DataSet data, string otherwise = "")
    {
        Shape found = data.Test.ImageShape;
        if (found != model.Network.InputShape) throw new RequestException($"The model takes {model.Network.InputShape}, the images of {data.Name} are {found}. Give --data the set that it was trained on{otherwise}.");
    }

    private static Model Trained(TrainSettings settings, string option, DataSet data, DeviceKind device, bool quiet)
    {
        string folder = Path.Combine(CacheFolder(), "models", KeyOf(settings, data, device)), file = Path.Combine(folder, "best.safetensors");
        var display = new TrainingDisplay(quiet);
        if (File.Exists(Path.Combine(folder, "metrics.json")))
        {
            display.Note($"{option} is the one that was trained for studies before: {file}");
            return Model.Read(file);
        }
        display.Note($"There is no {option}: one is trained first (--recipe report, seed {settings.Seed}{(settings.BatchNorm ? ", with batch normalisation" : settings.Network is not null ? ", the network of --network" : "")}) and kept for the next time in {folder}");
        bool begun = File.Exists(Path.Combine(folder, "checkpoint", "state.safetensors"));
        if (begun) TrainingRun.Resume(folder, null, null, null, display, Invocation.Token);
        else TrainingRun.Start(settings, folder, overwrite: false, display, Invocation.Token, data);
        return Model.Read(file);
    }

    // What decides the weights' bits: not the number of threads, nor the names of folder and device.
    private static string KeyOf(TrainSettings settings, DataSet data, DeviceKind device)
    {
        string all = $"{JsonSerializer.Serialize(settings with { Data = "", ImageSize = null, Transpose = "", Device = "", Threads = 0 }, StudiesJson.Default.TrainSettings)} {data.Sha256} {device} {ProgramBuild.Id}";
        return $"{new string([.. data.Name.Where(char.IsLetterOrDigit)])}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(all)))[..16]}";
    }

    private static string CacheFolder()
    {
        string? named = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        string root = !string.IsNullOrEmpty(named) ? named
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        return Path.Combine(root, "gpuconv");
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A comparison with its folder: started, or gone on with where it stopped.</summary>
internal static class ComparisonRun
{
    /// <summary>Starts the study in a folder, or goes on with it if it is there with the same options and not to be overwritten.</summary>
    public static ComparisonFolder Start(CompareSettings settings, string? path, bool overwrite, ComparisonDisplay display, CancellationToken cancellation)
    {
        DataSet data = settings.Training.LoadData();
        settings = settings with { Training = settings.Training.For(data) };
        settings.Validate();
        path ??= StudyFolder.NextName("compare-batchnorm");
        StudyFolder.RequireNoFile(path);
        ComparisonState? state = overwrite ? null : ComparisonFolder.ReadState(path);
        if (state is null && !overwrite) ComparisonFolder.RequireFree(path);
        if (state is not null && !settings.AsksForTheSame(state.Settings))
            throw new RequestException($"--out {path}: there is a comparison with other options in it ({Difference(settings, state.Settings)}). Go on with that by --resume {path}, give another folder, or --overwrite to begin anew.");
        foreach (string note in settings.Training.NotesOn(data)) display.Note(note);
        return Run(path, settings, state, data, overwrite, display, cancellation);
    }

    /// <summary>Goes on with the study in a folder, by its own options.</summary>
    public static ComparisonFolder Resume(string path, string? deviceName, int? threads, string? format, ComparisonDisplay display, CancellationToken cancellation)
    {
        ComparisonState state = ComparisonFolder.ReadState(path) ?? throw new RequestException($"--resume {path}: there is no comparison in it.");
        TrainSettings training = state.Settings.Training;
        CompareSettings settings = state.Settings with { Training = training with { Device = deviceName ?? training.Device, Threads = threads ?? training.Threads, Format = format ?? training.Format } };
        return Run(path, settings, state, training.LoadData(), overwrite: false, display, cancellation);
    }

    private static ComparisonFolder Run(string path, CompareSettings settings, ComparisonState? state, DataSet data, bool overwrite, ComparisonDisplay display, CancellationToken cancellation)
    {
        using Device device = Device.Open(settings.Training.Device, settings.Training.Threads);
        if (state is not null && state.DataSha256 != data.Sha256) throw new RequestException($"{settings.Training.Data} no longer holds the images that {path} was started with.");
        settings.Training.RequireSameSplit(data, path);
        RequireSplit(data, settings);
        // What is there goes when nothing stands in the way of what replaces it.
        if (overwrite) ComparisonFolder.Delete(path);
        ComparisonFolder folder = ComparisonFolder.Open(path, PictureFile.Parse(settings.Training.Format));
        if (folder.IsFinished)
        {
            display.Note($"{path} is finished.");
            ComparisonResults.WritePictures(folder.ReadResult(), folder);
            return folder;
        }
        var study = new ComparisonStudy(device, data, folder, (state ?? new ComparisonState(settings, data.Sha256)) with { Settings = settings }, display, cancellation);
        try
        {
            Comparison result = display.Follow(device, study.Run);
            ComparisonResults.Write(result, folder);
            display.Note($"results in {path}\n");
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine($"The study is kept where it stopped. To go on: gpuconv compare-batchnorm --resume {path}");
            throw;
        }
        return folder;
    }

    private static void RequireSplit(DataSet data, CompareSettings settings)
    {
        try
        {
            Trainer.Split(data, settings.Training.ToOptions());
        }
        catch (ArgumentException e)
        {
            throw new RequestException(e.Message);
        }
    }

    // The first option that differs: enough to see which of two studies one has before one.
    private static string Difference(CompareSettings asked, CompareSettings there)
    {
        if (asked.Seeds != there.Seeds) return $"--seeds {there.Seeds}";
        if (asked.Sweeps != there.Sweeps) return $"--sweeps {there.Sweeps}";
        (TrainSettings a, TrainSettings b) = (asked.Training, there.Training);
        return a.Epochs != b.Epochs ? $"--epochs {b.Epochs}"
            : a.Batch != b.Batch ? $"--batch {b.Batch}"
            : a.Lr != b.Lr ? $"--lr {b.Lr}"
            : a.Data != b.Data ? $"--data {b.Data}"
            : a.Limit != b.Limit ? $"--limit {b.Limit}"
            : a.Validation != b.Validation ? $"--validation {b.Validation}"
            : a.Optimizer != b.Optimizer ? $"--optimizer {b.Optimizer}"
            : a.Seed != b.Seed ? $"--seed {b.Seed}"
            : "an option of the training";
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>train --profile</c>: where a training's time goes, as <c>profile.txt</c> and <c>trace.json</c>.</summary>
internal static class TrainingProfile
{
    // The first steps still compile and fill caches. A trace of more than some steps only makes its viewer slow.
    private const int WarmUpSteps = 50, TracedSteps = 20;

    /// <summary>Attaches a profile: totals of all steps, events of 20 after a warm-up of 50, or of the first where there are fewer.</summary>
    public static Profile Attach(Device device, Trainer trainer)
    {
        long steps = (long)(trainer.Options.Epochs - trainer.History.Count) * trainer.StepsPerEpoch;
        return device.Profile = new Profile(steps >= WarmUpSteps + TracedSteps ? WarmUpSteps : 0, TracedSteps);
    }

    /// <summary>Detaches it and writes what it recorded.</summary>
    public static void Write(Profile profile, Device device, RunFolder run, TrainingDisplay display)
    {
        device.Profile = null;
        string threads = device.Threads > 0 ? $", {device.Threads} threads" : "";
        string text = $"{device.Name}{threads}; runs and milliseconds of one pass, on average\n\n{ProfileText.Of(profile)}";
        run.WriteText("profile.txt", text);
        run.WriteText("trace.json", ChromeTrace.Of(profile, "gpuconv train", $"{device.Name}{threads}"));
        display.Note($"\n{text}\nprofile.txt holds this table, trace.json some steps for chrome://tracing and ui.perfetto.dev\n");
    }
}

using System.Diagnostics;
using System.Text.Json;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public class TrainCommandTests(MnistPart part) : IClassFixture<MnistPart>
{
    private readonly string[] small = ["--data", part.Path, "--device", "cpu", "--limit", "320", "--validation", "200"];

    [Fact]
    public void A_run_writes_all_its_files_and_the_model_can_be_evaluated_and_asked()
    {
        using var folder = new TemporaryFolder();
        string run = folder["run"];
        Output trained = Run(["train", "--epochs", "2", "--steps", "--batch-norm", "--out", run, .. small]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Equal("", trained.Standard);
        Assert.Contains("accuracy", trained.Error);
        foreach (string name in (string[])["metrics.json", "history.csv", "steps.csv", "init.safetensors", "model.safetensors", "best.safetensors", "progress.csv", "curves.png", "predictions.png", "mistakes.png", "confusion.png", "network.png", "summary.txt"])
            Assert.True(new FileInfo(Path.Combine(run, name)) is { Exists: true, Length: > 0 }, name);
        Assert.Empty(Directory.GetFiles(run, "*.tmp*"));

        JsonElement metrics = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "metrics.json"))).RootElement;
        Assert.Equal(1, metrics.GetProperty("schema").GetInt32());
        Assert.Equal("cpu", metrics.GetProperty("device").GetProperty("kind").GetString());
        Assert.Equal(320, metrics.GetProperty("data").GetProperty("train").GetInt32());
        Assert.Equal(200, metrics.GetProperty("data").GetProperty("validation").GetInt32());
        Assert.Equal(1_049_706, metrics.GetProperty("parameters").GetInt64());
        Assert.Equal(2, metrics.GetProperty("history").GetArrayLength());
        Assert.True(metrics.GetProperty("config").GetProperty("batch_norm").GetBoolean());
        Assert.InRange(metrics.GetProperty("seconds_to_first_step").GetDouble(), 0.01, metrics.GetProperty("seconds_total").GetDouble());
        Assert.True(metrics.GetProperty("peak_device_bytes").GetInt64() > 4 * 1_049_706);

        Assert.Equal(JsonValueKind.Null, metrics.GetProperty("overfitting").GetProperty("found").ValueKind);
        Assert.Equal("2 epochs are too few to tell overfitting from a wobble of the validation loss; it takes 5.", metrics.GetProperty("overfitting").GetProperty("text").GetString());
        Assert.Contains("2 epochs are too few to tell overfitting", trained.Error);
        Assert.Equal(MnistPart.TestImages, metrics.GetProperty("per_class").EnumerateArray().Sum(c => c.GetProperty("count").GetInt32()));
        RequireBestByValidation(run, metrics);

        Assert.Equal("epoch,train_loss,train_accuracy,validation_loss,validation_accuracy,seconds,images_per_second,learning_rate", File.ReadLines(Path.Combine(run, "history.csv")).First());
        Assert.Equal(3, File.ReadLines(Path.Combine(run, "history.csv")).Count());
        string[] steps = File.ReadAllLines(Path.Combine(run, "steps.csv"));
        Assert.Equal("step,epoch,loss", steps[0]);
        Assert.Equal(Enumerable.Range(1, 10).Select(i => $"{i}"), steps[1..].Select(l => l.Split(',')[0]));

        string model = Path.Combine(run, "best.safetensors");
        Output evaluated = Run("evaluate", "--model", model, "--data", part.Path, "--device", "cpu", "--json", "--out", folder["evaluation"]);
        Assert.True(evaluated.ExitCode == 0, evaluated.Error);
        JsonElement evaluation = JsonDocument.Parse(evaluated.Standard).RootElement;
        Assert.Equal(metrics.GetProperty("test").GetProperty("accuracy").GetDouble(), evaluation.GetProperty("accuracy").GetDouble());
        Assert.Equal(metrics.GetProperty("test").GetProperty("loss").GetDouble(), evaluation.GetProperty("loss").GetDouble(), 9);
        Assert.Equal(MnistPart.TestImages, evaluation.GetProperty("confusion").EnumerateArray().Sum(r => r.EnumerateArray().Sum(c => c.GetInt32())));
        foreach (string name in (string[])["evaluation.json", "confusion.png", "predictions.png", "mistakes.png"]) Assert.True(File.Exists(folder["evaluation/" + name]), name);
        // The same model on the same images with the same seed: the same picture.
        foreach (string name in (string[])["confusion.png", "predictions.png", "mistakes.png"]) Assert.Equal(File.ReadAllBytes(Path.Combine(run, name)), File.ReadAllBytes(folder["evaluation/" + name]));

        Output predicted = Run("predict", "--model", model, "--random", "3", "--device", "cpu", "--json", "--out", folder["predicted"]);
        Assert.True(predicted.ExitCode == 0, predicted.Error);
        foreach (JsonElement p in JsonDocument.Parse(predicted.Standard).RootElement.EnumerateArray())
            Assert.Equal(1, p.GetProperty("probabilities").EnumerateArray().Sum(v => v.GetDouble()), 5);

        Assert.True(File.Exists(folder["predicted/predictions.png"]));
        Assert.Equal(predicted.Standard, File.ReadAllText(folder["predicted/predictions.json"]));

        Output ofFile = Run("predict", "--model", model, Path.Combine(run, "confusion.png"), "--device", "cpu");
        Assert.True(ofFile.ExitCode == 0, ofFile.Error);
        Assert.Contains("confusion.png", ofFile.Standard);
        Assert.Contains("conv 32 3x3 pad 1", Run("summary", "--model", model, "--out", folder["network"]).Standard);
        Assert.Equal(File.ReadAllBytes(Path.Combine(run, "network.png")), File.ReadAllBytes(folder["network/network.png"]));
        Assert.Equal(File.ReadAllText(Path.Combine(run, "summary.txt")), File.ReadAllText(folder["network/summary.txt"]));
    }

    /// <summary>Whether best.safetensors is the model of the smallest validation loss, by evaluating it on the validation images.</summary>
    private void RequireBestByValidation(string run, JsonElement metrics)
    {
        DataSet data = DataSet.Load(part.Path);
        const int validation = 200;
        int first = data.Train.Count - validation;
        LabelledImages images = data.Train with { Pixels = data.Train.Pixels[(first * data.Train.ImageSize)..], Labels = data.Train.Labels[first..] };
        using Kernels.Device device = Kernels.Device.Open("cpu");
        using var predictor = new Predictor(device, Model.Read(Path.Combine(run, "best.safetensors")));
        Assert.Equal(metrics.GetProperty("history").EnumerateArray().Min(r => r.GetProperty("validation_loss").GetDouble()), predictor.Evaluate(images, TestContext.Current.CancellationToken).Loss, 6);
    }

    [Fact]
    public void The_same_seed_gives_the_same_file_and_a_longer_run_resumes_to_it()
    {
        using var folder = new TemporaryFolder();
        // Nine epochs in all: two full steps and one that is not, so that they take seconds without vector instructions too.
        string[] few = ["--data", part.Path, "--device", "cpu", "--limit", "150", "--validation", "50"];
        Assert.Equal(0, Run(["train", "--epochs", "3", "--quiet", "--out", folder["a"], .. few]).ExitCode);
        Assert.Equal(0, Run(["train", "--epochs", "3", "--quiet", "--threads", "1", "--out", folder["b"], .. few]).ExitCode);
        Assert.Equal(0, Run(["train", "--epochs", "1", "--quiet", "--steps", "--out", folder["c"], .. few]).ExitCode);
        Output resumed = Run("train", "--resume", folder["c"], "--epochs", "3", "--quiet");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Assert.Equal("", resumed.Error);
        byte[] whole = File.ReadAllBytes(folder["a/model.safetensors"]);
        Assert.Equal(whole, File.ReadAllBytes(folder["b/model.safetensors"]));
        Assert.Equal(whole, File.ReadAllBytes(folder["c/model.safetensors"]));
        Assert.Equal(9, File.ReadLines(folder["c/steps.csv"]).Skip(1).Distinct().Count());
        Assert.Equal(3, File.ReadLines(folder["c/history.csv"]).Skip(1).Count());
        Assert.Equal(1 + 9, File.ReadLines(folder["a/progress.csv"]).Count());
        Assert.Equal(File.ReadAllText(folder["a/progress.csv"]), File.ReadAllText(folder["c/progress.csv"]));

        Output again = Run("train", "--resume", folder["c"]);
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("is finished: 3 epochs", again.Error);
        Assert.Equal(File.ReadAllText(folder["c/metrics.json"]), Run("train", "--resume", folder["c"], "--json").Standard);
        Output other = Run("train", "--resume", folder["c"], "--lr", "0.1");
        Assert.Equal(2, other.ExitCode);
        Assert.Contains("--lr cannot be given with --resume", other.Error);
    }

    [Fact]
    public void A_recipes_options_stand_in_the_metrics_and_can_be_overridden()
    {
        using var folder = new TemporaryFolder();
        Output trained = Run(["train", "--recipe", "fast", "--betas", "0.8,0.95", "--quiet", "--out", folder["run"], .. small]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        JsonElement config = JsonDocument.Parse(File.ReadAllText(folder["run/metrics.json"])).RootElement.GetProperty("config");
        Assert.Equal("fast", config.GetProperty("recipe").GetString());
        Assert.Equal("one-cycle", config.GetProperty("schedule").GetString());
        Assert.Equal(0.1f, config.GetProperty("label_smoothing").GetSingle());
        Assert.Equal(0.41f, config.GetProperty("init_gain").GetSingle());
        Assert.Equal("0.8,0.95", config.GetProperty("betas").GetString());
        Assert.Equal(320, config.GetProperty("limit").GetInt32());
        Assert.Equal(1, config.GetProperty("views").GetInt32());
    }

    [Fact]
    public void Views_stand_in_the_metrics_with_what_the_images_alone_give()
    {
        using var folder = new TemporaryFolder();
        Output trained = Run(["train", "--views", "5", "--epochs", "1", "--adversarial", "fgsm", "--eps", "0.1", "--out", folder["run"], .. small]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        JsonElement metrics = JsonDocument.Parse(File.ReadAllText(folder["run/metrics.json"])).RootElement;
        Assert.Equal((5, 1.0 / 3), (metrics.GetProperty("config").GetProperty("views").GetInt32(), metrics.GetProperty("config").GetProperty("eps_warmup").GetDouble()));
        Assert.Contains("over 5 views of each image", trained.Error);
        foreach ((string name, string views) in ((string, string)[])[("test", "5"), ("test_one_view", "1")])
        {
            Output evaluated = Run("evaluate", "--model", folder["run/best.safetensors"], "--views", views, "--data", part.Path, "--device", "cpu", "--json");
            Assert.True(evaluated.ExitCode == 0, evaluated.Error);
            Assert.Equal(metrics.GetProperty(name).GetProperty("loss").GetDouble(), JsonDocument.Parse(evaluated.Standard).RootElement.GetProperty("loss").GetDouble());
        }
    }

    [Fact]
    public void Interrupted_it_says_how_to_go_on_and_loses_nothing()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) Assert.Skip("Signals are sent by the kill command.");
        using var folder = new TemporaryFolder();
        string run = folder["run"];
        using Process process = Start("train", "--epochs", "1", "--device", "cpu", "--validation", "0", "--batch", "16", "--out", run);
        // It has begun when the first weights are there.
        for (int i = 0; i < 600 && !File.Exists(Path.Combine(run, "summary.txt")); i++) Thread.Sleep(50);
        Thread.Sleep(500);
        using (Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) kill.WaitForExit();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.Equal(130, process.ExitCode);
        Assert.Contains($"gpuconv train --resume {run}", process.StandardError.ReadToEnd());
        Checkpoint checkpoint = Checkpoint.Read(Path.Combine(run, "checkpoint", "state.safetensors"));
        Assert.Equal(checkpoint.State.StepInEpoch, checkpoint.State.Step);
        Assert.False(File.Exists(Path.Combine(run, "metrics.json")));

        // The same line again must not throw the work away.
        Output again = Run("train", "--epochs", "1", "--device", "cpu", "--out", run);
        Assert.Equal(2, again.ExitCode);
        Assert.Contains($"--resume {run}", again.Error);
        Assert.True(File.Exists(Path.Combine(run, "checkpoint", "state.safetensors")));
    }

    [Theory, InlineData("one-cycle"), InlineData("cosine")]
    public void A_schedule_that_has_ended_is_not_made_longer(string schedule)
    {
        using var folder = new TemporaryFolder();
        string run = folder["run"];
        Output trained = Run(["train", "--epochs", "1", "--schedule", schedule, "--quiet", "--out", run, .. small]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        byte[] weights = File.ReadAllBytes(Path.Combine(run, "model.safetensors"));
        Output longer = Run("train", "--resume", run, "--epochs", "3");
        Assert.Equal(2, longer.ExitCode);
        Assert.Contains($"--epochs 3: the {schedule} schedule of 1 epoch ends there; with more its rate would jump.", longer.Error);
        Assert.Equal(weights, File.ReadAllBytes(Path.Combine(run, "model.safetensors")));
        Assert.True(File.Exists(Path.Combine(run, "metrics.json")));
    }

    [Fact]
    public void Without_validation_a_tenth_is_kept_where_that_is_less_than_5000()
    {
        using var folder = new TemporaryFolder();
        Output trained = Run("train", "--epochs", "1", "--data", part.Path, "--device", "cpu", "--json", "--out", folder["run"]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        JsonElement data = JsonDocument.Parse(trained.Standard).RootElement.GetProperty("data");
        Assert.Equal((MnistPart.TrainImages - 52, 52), (data.GetProperty("train").GetInt32(), data.GetProperty("validation").GetInt32()));
    }

    [Fact]
    public void A_training_that_diverges_stops_with_exit_code_1()
    {
        using var folder = new TemporaryFolder();
        Output output = Run(["train", "--epochs", "1", "--optimizer", "sgd", "--lr", "1e20", "--quiet", "--out", folder["run"], .. small]);
        Assert.Equal(1, output.ExitCode);
        Assert.Matches(@"^gpuconv: The loss became \S+ in epoch 1, step \d+, at learning rate 1e\+20\. Try a smaller --lr, or --batch-norm\.\s*$", output.Error);
    }

    [Theory]
    [InlineData("500")]
    [InlineData("0")]
    public void A_last_step_that_ruins_the_weights_is_no_success(string validation)
    {
        using var folder = new TemporaryFolder();
        Output output = Run("train", "--data", part.Path, "--epochs", "1", "--limit", "64", "--validation", validation, "--optimizer", "sgd", "--lr", "1e38", "--device", "cpu", "--quiet", "--out", folder["run"]);
        Assert.Equal(1, output.ExitCode);
        Assert.Matches("^gpuconv: The (weights are no longer numbers after epoch 1|loss on the test images is).*Try a smaller --lr", output.Error);
        Assert.False(File.Exists(folder["run/best.safetensors"]));
    }

    [Fact]
    public void A_run_whose_data_changed_is_not_resumed()
    {
        using var folder = new TemporaryFolder();
        IdxFolder.Write(folder.Path, SmallData.Create());
        Assert.Equal(0, Run("train", "--data", folder.Path, "--epochs", "1", "--validation", "40", "--quiet", "--device", "cpu", "--out", folder["run"]).ExitCode);
        IdxFolder.Write(folder.Path, SmallData.Create(seed: 2));
        Output output = Run("train", "--resume", folder["run"], "--epochs", "2");
        Assert.Equal(2, output.ExitCode);
        Assert.Contains("no longer holds the images", output.Error);
    }

    [Fact]
    public void A_data_set_with_three_classes_trains()
    {
        using var folder = new TemporaryFolder();
        DataSet small = SmallData.Create();
        IdxFolder.Write(folder.Path, small);
        Output output = Run("train", "--data", folder.Path, "--epochs", "2", "--validation", "40", "--quiet", "--device", "cpu", "--out", folder["run"]);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Equal([3, 500], SafetensorsFile.Read(folder["run/model.safetensors"]).Tensors.Single(t => t.Name == "fc3.weight").Shape);
        foreach (string name in (string[])["curves.png", "predictions.png", "mistakes.png", "confusion.png", "network.png"]) Assert.True(File.Exists(folder["run/" + name]), name);
        Model model = Model.Read(folder["run/model.safetensors"]);
        (model with { Weights = Never(model.Weights, 2) }).Write(folder["never.safetensors"]);
        Output evaluated = Run("evaluate", "--model", folder["never.safetensors"], "--data", folder.Path, "--device", "cpu", "--out", folder["evaluation"]);
        Assert.True(evaluated.ExitCode == 0, evaluated.Error);
        Assert.Matches(@"(?m)^2 +\d+ +0\.00 % +- +no image was taken for it: precision is undefined\s*$", evaluated.Standard);
        Assert.Matches(@"""precision"": null", File.ReadAllText(folder["evaluation/evaluation.json"]));
        // A model of three classes is no model for ten.
        Output wrong = Run("evaluate", "--model", folder["run/model.safetensors"], "--device", "cpu");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("1x8x8", wrong.Error);
        Assert.Contains("1x28x28", wrong.Error);
    }

    /// <summary>Weights that never choose a class: its score is far below all others.</summary>
    private static Weights Never(Weights weights, int c) =>
        new([.. weights.Arrays.Select(a => a.Name == "fc3.bias" ? a with { Values = [.. a.Values.Select((v, i) => i == c ? -1e6f : v)] } : a)]);
}

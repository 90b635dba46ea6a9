using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>A network of the user's own, and weights that another program wrote, in every command that takes a model.</summary>
public sealed class NetworkOptionTests(MnistPart part) : IClassFixture<MnistPart>, IDisposable
{
    private const string Residual =
        """
        # a small residual network
        stem: conv 6 3x3 pad 1 stride 2
        batchnorm
        relu
        conv 6 3x3 pad 1
        batchnorm
        add relu1
        relu
        globalavgpool
        linear 10
        logsoftmax
        """;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_network_with_more_outputs_than_the_data_has_classes_is_trained_and_read_again()
    {
        using var folder = new TemporaryFolder();
        PictureFolder.Write(folder["set"], ["a", "b"], 10, 8, colour: false);
        string[] train = ["train", "--device", "cpu", "--data", folder["set"], "--network", "conv 4 3x3; relu; flatten; linear 5; logsoftmax", "--epochs", "1", "--batch", "4", "--quiet"];
        Done([.. train, "--out", folder["run"]]);
        Assert.True(File.Exists(Path.Combine(folder["run"], "metrics.json")));
        Done("train", "--resume", folder["run"], "--epochs", "2", "--quiet");
        string evaluation = Done("evaluate", "--device", "cpu", "--data", folder["set"], "--model", Path.Combine(folder["run"], "best.safetensors"), "--json");
        Assert.Equal(["a", "b", "2", "3", "4"], JsonDocument.Parse(evaluation).RootElement.GetProperty("per_class").EnumerateArray().Select(c => c.GetProperty("name").GetString()));
    }

    [Theory]
    [InlineData("1", "bn1 normalises each channel over a batch, and a batch has one value of each. Take another --batch.")]
    [InlineData("3", "bn1 normalises each channel over a batch, and the last batch of an epoch, 10 images in batches of 3, has one value of each. Take another --batch.")]
    public void Batch_normalisation_of_one_value_is_a_request_that_cannot_be_met(string batch, string message)
    {
        using var folder = new TemporaryFolder();
        Output output = Run("train", "--device", "cpu", "--data", part.Path, "--network", "conv 4 28x28; batchnorm; relu; flatten; linear 10; logsoftmax", "--batch", batch, "--limit", "10", "--validation", "10", "--epochs", "1", "--out", folder["run"]);
        Assert.Equal(2, output.ExitCode);
        Assert.Contains(message, output.Error);
    }

    [Fact]
    public void A_network_of_ones_own_is_trained_resumed_trained_on_and_studied()
    {
        string text = folder.Write("net.txt", System.Text.Encoding.UTF8.GetBytes(Residual)), run = folder["run"], longer = folder["longer"];
        string[] small = ["--data", part.Path, "--device", "cpu"];
        string[] train = ["train", "--network", text, "--limit", "320", "--validation", "200", "--quiet", .. small];
        Done([.. train, "--epochs", "1", "--out", run]);
        Done([.. train, "--epochs", "2", "--out", longer]);
        File.Delete(text); // the run knows its network
        Done("train", "--resume", run, "--epochs", "2", "--quiet");
        Assert.Equal(File.ReadAllBytes(Path.Combine(longer, "model.safetensors")), File.ReadAllBytes(Path.Combine(run, "model.safetensors")));
        Model model = Model.Read(Path.Combine(run, "model.safetensors"));
        Assert.Equal(NetworkText.Parse(Residual, new Shape(1, 28, 28)).ToString(), model.Network.ToString());
        Assert.Equal(model.Network.ToString(), JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "metrics.json"))).RootElement.GetProperty("config").GetProperty("network").GetString());

        // A summary is a network's text, and a model's weights are where a training may start.
        Done("train", "--network", Path.Combine(run, "summary.txt"), "--init", Path.Combine(run, "best.safetensors"), "--epochs", "1", "--limit", "320", "--validation", "0", "--quiet", "--data", part.Path, "--device", "cpu", "--out", folder["on"]);
        Assert.Equal(Done("summary", "--network", Path.Combine(run, "summary.txt")), File.ReadAllText(Path.Combine(run, "summary.txt")));

        string[] studied = ["--model", Path.Combine(run, "best.safetensors"), "--out", folder["study"], "--quiet", .. small];
        Done(["occlusion", "--count", "2", "--sizes", "9", "--stride", "9", .. studied]);
        Done(["attack", "--limit", "10", "--method", "fgsm", "--curve", "none", .. studied]);
    }

    [Fact]
    public void Weights_of_another_program_are_a_model_with_the_network_given()
    {
        Network network = NetworkText.Parse(Residual, new Shape(1, 28, 28));
        DataSet data = DataSet.Load(part.Path);
        var own = new Model(network, Weights.Initial(network, 3), data.Mean, data.Deviation, data.Name);
        own.Write(folder["own.safetensors"]);
        new SafetensorsFile([.. own.Weights.Arrays, new NamedArray("bn1.num_batches_tracked", [], [7])], new Dictionary<string, string> { ["format"] = "pt" }).Write(folder["foreign.safetensors"]);
        string text = folder.Write("net.txt", System.Text.Encoding.UTF8.GetBytes(Residual));
        string[] options = ["--data", part.Path, "--device", "cpu", "--json"];
        string expected = Done(["evaluate", "--model", folder["own.safetensors"], .. options]);
        Assert.Equal(expected, Done(["evaluate", "--model", folder["foreign.safetensors"], "--network", text, .. options]));
        foreach (string file in (string[])["own.safetensors", "foreign.safetensors"])
            Assert.Equal(Facts(own), Facts(Read(file, "--network", text)));
        Assert.Equal((0.25f, 2f), Read("foreign.safetensors", "--network", text, "--normalise", "0.25,2") is var other ? (other.Mean, other.Deviation) : default);

        RefusedHere("own.safetensors says itself how its images are normalised", () => Read("own.safetensors", "--normalise", "0,1"));
        RefusedHere("--network is not what", () => Read("own.safetensors", "--network", "flatten; linear 10"));
        RefusedHere("does not say what its network is, and its tensors (stem.weight 6x1x3x3, stem.bias 6, bn1.weight 6, …) are not those of the report's network for images of 1x28x28. Give the network as text: --network FILE.", () => Read("foreign.safetensors"));
        RefusedHere("'fc1.weight' is 10x6, the network needs 10x784", () => Read("foreign.safetensors", "--network", "flatten; linear 10"));
        RefusedHere("has no 'conv1.weight', which the network needs (4x1x3x3)", () => Read("foreign.safetensors", "--network", "conv 4 3x3; flatten; linear 10"));
        RefusedHere("--normalise 1: the mean and the deviation", () => Read("foreign.safetensors", "--network", text, "--normalise", "1"));
        RefusedHere("--normalise 0,0: the mean and the deviation", () => Read("foreign.safetensors", "--network", text, "--normalise", "0,0"));

        Model Read(string file, params string[] more) => StudyModel.Read(EvaluateCommand.Create().Parse(["--data", part.Path, .. more]), folder[file]);
    }

    [Fact]
    public void The_reports_network_is_known_by_its_tensors()
    {
        DataSet data = DataSet.Load(part.Path);
        foreach (bool batchNorm in (bool[])[false, true])
        {
            Network network = Network.Report(data.Test.ImageShape, 10, batchNorm);
            new SafetensorsFile(Weights.Initial(network, 3).Arrays).Write(folder["foreign.safetensors"]);
            Model model = Model.Read(folder["foreign.safetensors"], new ModelReading { Context = () => new ModelContext(data.Test.ImageShape, data.Mean, data.Deviation, data.Name) });
            Assert.Equal(network.ToString(), model.Network.ToString());
            Assert.Equal((data.Mean, data.Deviation, data.Name), (model.Mean, model.Deviation, model.DataName));
            foreach (Shape other in (Shape[])[new(1, 32, 32), new(1, 2, 2), new(3, 28, 28)])
                Assert.Contains($"are not those of the report's network for images of {other}", Assert.Throws<ModelFileException>(() => Model.Read(folder["foreign.safetensors"], new ModelReading { Context = () => new ModelContext(other, 0, 1, "") })).Message);
            Assert.Throws<ModelFileException>(() => Model.Read(folder["foreign.safetensors"]));
        }
    }

    [Fact]
    public void A_wrong_network_is_refused_with_file_line_and_column()
    {
        string text = folder.Write("net.txt", "conv 4 3x3\nrelu\n  linar 10\n"u8.ToArray());
        foreach (string command in (string[])["train", "summary"])
            Refused($"--network {text}: Line 3, column 3, 'linar': there is no layer 'linar'", command, "--network", text);
        Refused("The network tells 9 apart, mnist has 10 classes", "train", "--network", "flatten; linear 9", "--data", "mnist", "--out", folder["run"]);
        Refused("--dropout is for the report's network", "train", "--network", "flatten; linear 10", "--dropout", "0.5");
        Refused("--batch-norm is for the report's network", "summary", "--network", "flatten; linear 10", "--batch-norm");
        Assert.False(Directory.Exists(folder["run"]));
        RefusedHere("--network: Line 1, column 9, '3': nothing more belongs here", () => Of("flatten 3; linear 10"));
        RefusedHere("--network no-such.txt: there is no such file", () => Of("no-such.txt"));
        RefusedHere($"--network {folder.Path} is a folder", () => Of(folder.Path));

        static Network? Of(string network) => NetworkInput.Of(SummaryCommand.Create().Parse(["--network", network]), new Shape(1, 28, 28));
    }

    private static string Facts(Model m) => $"{m.Network} {m.Mean} {m.Deviation} {string.Join(' ', m.Weights.Arrays.Select(a => $"{a.Name} {string.Join(',', a.Values.Take(5))}"))}";

    private static void RefusedHere(string message, Func<object?> action)
    {
        Exception e = Assert.ThrowsAny<Exception>(action);
        Assert.True(e is RequestException or ModelFileException, $"{e}");
        Assert.Contains(message, e.Message);
    }

    private static void Refused(string message, params string[] arguments)
    {
        Output output = Run(arguments);
        Assert.Contains(message, output.Error);
        Assert.Equal(2, output.ExitCode);
        Assert.InRange(output.Error.TrimEnd().Split('\n').Length, 1, 2);
    }
}

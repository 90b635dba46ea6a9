using System.Text.Json;
using GpuConv.Net;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>Each case of <c>cases.tar.gz</c> is read, or refused with what is wrong; and each file of it belongs to one.</summary>
public sealed class CasesTests(Cases cases) : IClassFixture<Cases>, IDisposable
{
    private const string Small = "flatten; linear 26; logsoftmax", OfWeights = "conv 8 5x5; relu; maxpool 2; conv 16 3x3; relu; flatten; linear 10; logsoftmax";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    // What is not here is read as a picture of a seven.
    private static readonly string[] OtherPictures = ["x.pgm", "x.tif", "blank.png", "blank-white.png", "grey.png"];

    private static readonly string[] Lossy = ["bilevel.png", "palette64.png", "cmyk.jpg", "q95.jpg", "rgb-prog.jpg"];

    public static TheoryData<string, string> RefusedPictures => new()
    {
        { "01-encodings/x.pgm", "is a Netpbm picture (PBM, PGM, PPM); pictures are PNG, JPEG, WebP, BMP and GIF." },
        { "01-encodings/x.tif", "is a TIFF picture; pictures are PNG, JPEG, WebP, BMP and GIF." },
        { "03-truncated/head.jpg", "is a JPEG picture, damaged or cut off within its header." },
        { "03-truncated/head2.jpg", "is cut off: its last rows are missing." },
        { "03-truncated/set/a/2.jpg", "is cut off: its last rows are missing." },
        { "damaged/pictures-and-weights/half.png", "is cut off: its last rows are missing." },
        { "damaged/pictures-and-weights/folder/b/2.png", "is cut off: its last rows are missing." },
        { "damaged/pictures-and-weights/bomb20000.png", "has 20000 x 20000 pixels; more than 128 million are not read." },
        { "damaged/pictures-and-weights/bomb60000.png", "has 60000 x 60000 pixels; more than 128 million are not read." },
    };

    /// <summary>Data with what is said of them, if anything.</summary>
    public static TheoryData<string, string> ReadData => new()
    {
        { "04-emnist-transposed", "emnist-mnist: its images are stored transposed, as EMNIST's are, and were turned upright (--transpose no: not)." },
        { "09-binary", "" }, { "09-three", "" }, { "10-ten-images", "" }, { "11-1x1", "" }, { "11-5x37", "" },
        { "12-names/tv", "" }, { "12-names/tv/MNIST", "" }, { "12-names/qmnist", "" }, { "12-names/int32", "" }, { "12-names/upper", "" }, { "12-names/win", "" }, { "12-names/members", "" },
        { "12-names/mit Leerzeichen и кириллица 数字", "" },
        { "12-names/mnist.npz", "comes without test images: every fifth image of each class is for testing." },
        { "15-folders/plain", "" }, { "15-folders/JPG", "" }, { "15-folders/JPEG", "" }, { "15-folders/jpeg", "" }, { "15-folders/bmp", "" }, { "15-folders/gif", "" }, { "15-folders/webp", "" },
        { "15-folders/mixed-png", "" }, { "15-folders/dsstore", "" }, { "15-folders/emoji", "" }, { "15-folders/checkpoints", "" }, { "15-folders/readme-at-root", "" },
        { "15-folders/readme-in-class", "" }, { "15-folders/macosx", "" }, { "15-folders/wrapped", "" }, { "15-folders/Train-Test", "" }, { "15-folders/training-testing", "" },
        { "15-folders/train-valid", "" }, { "15-folders/train-val-test", "" }, { "15-folders/big", "" },
        { "15-folders/test-unlabelled", "test holds pictures without their classes and is left out: every fifth image of each class is for testing." },
    };

    public static TheoryData<string, string> RefusedData => new()
    {
        { "03-truncated/set", "set/a/2.jpg is cut off: its last rows are missing." },
        { "12-names/float32", "train-images-idx3-ubyte, offset 0: expected images (IDX with three dimensions of unsigned bytes), which start with 0x00000803, but found 0x00000d03: this IDX file holds float32." },
        { "12-names/double", "train-images-idx3-ubyte.gz, offset 0: expected images (IDX with three dimensions of unsigned bytes), which start with 0x00000803, but found 0x1f8b0808: this is gzip data within gzip data." },
        { "12-names/html", "train-images-idx3-ubyte.gz, offset 0: expected images (IDX with three dimensions of unsigned bytes), which start with 0x00000803, but found 0x3c21444f: this is a web page" },
        { "12-names/padded", "train-images-idx3-ubyte.gz: something follows the gzip data" },
        // One image of one pixel: there is nothing to train on.
        { "12-names/csv", "mnist_train.csv has no test images, and 1 image: to test on some of them a class needs at least two." },
        { "15-folders/empty-class", "empty-class/c holds no pictures: every class needs some" },
        { "15-folders/zero", "zero/a/0.png is empty" },
        { "15-folders/nested", "nested/a/inner is a folder within a class" },
        { "damaged/pictures-and-weights/folder", "folder/b/2.png is cut off" },
    };

    /// <summary>Weights with what must be in the message; nothing: they are read.</summary>
    public static TheoryData<string, string> OfWeightFiles => new()
    {
        { "13-safetensors/f16.safetensors", "" }, { "13-safetensors/bf16.safetensors", "" }, { "13-safetensors/f64.safetensors", "" }, { "13-safetensors/nometa.safetensors", "" },
        { "13-safetensors/pt-format.safetensors", "" }, { "13-safetensors/unordered.safetensors", "" }, { "13-safetensors/module-prefix.safetensors", "" },
        { "13-safetensors/orig-mod-prefix.safetensors", "" }, { "13-safetensors/model-prefix.safetensors", "" },
        { "13-safetensors/extra.safetensors", "'unused.weight'" }, { "13-safetensors/extra-bool.safetensors", "'mask'" }, { "13-safetensors/extra-i8.safetensors", "'q'" },
        { "13-safetensors/seq-names.safetensors", "It has 0.weight, 0.bias, 2.weight, 2.bias, 5.weight, 5.bias; the network needs conv1.weight, conv1.bias, conv2.weight, conv2.bias, fc1.weight, fc1.bias." },
        { "13-safetensors/nan.safetensors", "'fc1.bias' is NaN" },
        { "13-safetensors/model.pt", "it is a PyTorch file (a pickle)." }, { "13-safetensors/old.pth", "it is a PyTorch file (a pickle)." },
        { "13-safetensors/m.h5", "it is an HDF5 file (Keras's .h5)." }, { "13-safetensors/m.keras", "it is a Keras file (a zip archive)." },
        { "damaged/pictures-and-weights/deep.safetensors", "the header is not valid JSON: the file is damaged." },
    };

    public static TheoryData<string, string> NetworkTexts => new()
    {
        { "14-network-text/crlf.txt", "" }, { "14-network-text/bom.txt", "" }, { "14-network-text/utf16.txt", "" }, { "14-network-text/cr-only.txt", "" },
        { "14-network-text/utf16le-nobom.txt", "looks like UTF-16 without a byte order mark: save it as UTF-8." },
    };

    public static TheoryData<string> DamagedOnnx => [.. ((string[])["length-large-1", "length-large-2", "length-large-3", "length-no-memory"]).Select(n => $"damaged/{n}.onnx"),
        .. ((string[])["wrapadd", "nested-messages", "reshape-wrap", "fuzzed-2gb", "wrap128-expand", "fuzzed-oom", "nested2gb-more", "nested512mb", "nested2gb", "wrap32", "wrap128", "groups-in-graph"]).Select(n => $"damaged/onnx/{n}.onnx")];

    /// <summary>A new case without an expectation fails here.</summary>
    [Fact]
    public void Every_file_belongs_to_a_case()
    {
        string[] known =
        [
            "README.md", "01-encodings", "02-exif", "04-emnist-transposed/png", "19-bn-last-batch/net.txt", "damaged/pictures-and-weights/noise.png", "damaged/gzip-other-content.idx.gz",
            "damaged/checkpoint-other-end.safetensors", "damaged/checkpoint-unknown-name.safetensors",
            .. ((TheoryData<string, string>[])[RefusedPictures, ReadData, RefusedData, OfWeightFiles, NetworkTexts]).SelectMany(d => d).Select(row => row.Data.Item1), .. DamagedOnnx.Select(row => row.Data),
        ];
        string[] files = [.. Directory.GetFiles(cases.Root, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(cases.Root, f).Replace('\\', '/'))];
        Assert.Equal([], files.Where(f => !known.Any(k => f == k || f.StartsWith(k + "/", StringComparison.Ordinal))));
        Assert.Equal([], known.Where(k => !Path.Exists(cases[k])));
    }

    [Fact]
    public void Every_encoding_is_the_same_seven()
    {
        string[] files = [.. Directory.GetFiles(cases["01-encodings"]).Where(f => !OtherPictures.Contains(Path.GetFileName(f))), .. Directory.GetFiles(cases["02-exif"])];
        JsonElement[] predictions = Predict(files);
        Assert.Equal(files.Select(f => (f, 7)), predictions.Select(p => (p.GetProperty("image").GetString()!, p.GetProperty("predicted").GetInt32())));
        string[] exact = [.. predictions.Where(p => p.GetProperty("image").GetString() is { } f && f.Contains("01-", StringComparison.Ordinal) && !Lossy.Contains(Path.GetFileName(f))).Select(p => p.GetProperty("probabilities").GetRawText())];
        Assert.True(exact.Length > 10);
        Assert.Single(exact.Distinct());
    }

    [Fact]
    public void Where_nothing_is_drawn_it_is_said_and_the_others_are_answered()
    {
        string[] files = [cases["01-encodings/blank.png"], cases["01-encodings/rgb.png"], cases["01-encodings/blank-white.png"], cases["01-encodings/grey.png"]];
        Assert.Equal([JsonValueKind.Null, JsonValueKind.Number, JsonValueKind.Null, JsonValueKind.Null], Predict(files, "--fit", "digit").Select(p => p.GetProperty("predicted").ValueKind));
        string[] lines = Done(["predict", "--model", cases.Model, .. files, "--fit", "digit", "--device", "cpu", "--out", folder["all"]]).Split('\n');
        Assert.Equal(3, lines.Count(l => l.EndsWith("  nothing is drawn", StringComparison.Ordinal)));
        Assert.True(File.Exists(folder["all/predictions.png"]));
        Assert.Contains("nothing is drawn", Done("predict", "--model", cases.Model, files[0], "--fit", "digit", "--device", "cpu", "--out", folder["none"]));
        Assert.False(File.Exists(folder["none/predictions.png"]));
        // Elsewhere a blank image is an image.
        Assert.All(Predict(files, "--fit", "whole"), p => Assert.Equal(JsonValueKind.Number, p.GetProperty("predicted").ValueKind));
        Output study = Run(["attribute", "--model", cases.Model, files[0], "--fit", "digit", "--device", "cpu"]);
        Assert.Equal((2, true), (study.ExitCode, study.Error.Contains("blank.png: nothing is drawn.", StringComparison.Ordinal)));
    }

    [Theory, MemberData(nameof(RefusedPictures))]
    public void Pictures_that_are_none_are_refused(string name, string message) => Refuses(name, message, "predict", "--model", cases.Model, cases[name], "--device", "cpu");

    [Fact]
    public void A_network_trained_on_EMNISTs_files_reads_upright_digits()
    {
        Done("train", "--data", cases["04-emnist-transposed"], "--network", "conv 8 5x5 stride 2; relu; flatten; linear 10; logsoftmax", "--epochs", "3", "--device", "cpu", "--quiet", "--out", folder["run"]);
        foreach (string kind in (string[])["", "as-is-"])
        {
            string[] files = [.. Enumerable.Range(0, 10).Select(d => cases[$"04-emnist-transposed/png/{kind}{d}.png"])];
            string json = Done(["predict", "--model", folder["run/best.safetensors"], .. files, "--fit", "digit", "--invert", "auto", "--device", "cpu", "--json"]);
            int right = JsonDocument.Parse(json).RootElement.EnumerateArray().Select((p, digit) => p.GetProperty("predicted").GetInt32() == digit).Count(r => r);
            Assert.InRange(right, 8, 10);
        }
    }

    [Theory, MemberData(nameof(ReadData))]
    public void Data_are_read(string name, string said)
    {
        DataSet data = StudyData.Load(cases[name], null);
        Assert.True(data.Train.Count > 0 && data.Test.Count > 0);
        if (said.Length == 0) Assert.Empty(data.Notes);
        else Assert.Contains(data.Notes, n => n.EndsWith(said, StringComparison.Ordinal));
    }

    [Theory, InlineData("12-names/mnist.npz", "12 1 7"), InlineData("15-folders/train-val-test", "10 4 6"), InlineData("15-folders/test-unlabelled", "8 0 2"), InlineData("12-names/tv", "450 50 100")]
    public void Networks_are_trained_on_data_as_they_are(string name, string parts)
    {
        Output output = Train(name);
        Assert.True(output.ExitCode == 0, output.Error);
        // What is said of the data, once.
        Assert.All(StudyData.Load(cases[name], null).Notes, note => Assert.Equal(2, output.Error.Split(note).Length));
        JsonElement data = JsonDocument.Parse(File.ReadAllText(folder["run/metrics.json"])).RootElement.GetProperty("data");
        Assert.Equal(parts, $"{data.GetProperty("train")} {data.GetProperty("validation")} {data.GetProperty("test")}");
    }

    [Theory, MemberData(nameof(RefusedData))]
    public void Data_that_are_none_are_refused(string name, string message)
    {
        Refuses(name, message, "train", "--data", cases[name], "--network", Small, "--epochs", "1", "--device", "cpu", "--out", folder["run"]);
        Assert.False(Directory.Exists(folder["run"]));
    }

    /// <summary>Every study takes the smallest data, or says why it cannot.</summary>
    [Theory, InlineData("10-ten-images"), InlineData("11-1x1")]
    public void Studies_take_small_data_or_say_why_not(string name) => AllStudies(name);

    [Theory(Explicit = true), InlineData("09-binary"), InlineData("09-three"), InlineData("11-5x37")]
    public void Studies_take_strange_data_or_say_why_not(string name) => AllStudies(name);

    private void AllStudies(string name)
    {
        Train(name);
        string[] shared = ["--model", folder["run/best.safetensors"], "--data", cases[name], "--device", "cpu"];
        Assert.Equal(0, Run(["evaluate", .. shared]).ExitCode);
        foreach (string[] study in (string[][])[["occlusion"], ["filters"], ["activations"], ["attribute", "--steps", "4", "--samples", "2"], ["fool", "--seeds", "1", "--steps", "5"], ["target"], ["target", "--case", "2"], ["noise", "--steps", "5", "--eps", "0.3", "--other", folder["run/init.safetensors"]], ["attack", "--method", "all", "--limit", "2", "--steps", "3", "--queries", "20"]])
        {
            Output output = Run([.. study, .. shared, "--out", folder[string.Join('-', study[..Math.Min(3, study.Length)])]]);
            Assert.True(output.ExitCode is 0 or 2, $"{string.Join(' ', study)}: {output.Error}");
            Assert.DoesNotContain("bug", output.Error, StringComparison.Ordinal);
            Assert.DoesNotMatch("(?i)infinity|∞|NaN", output.Standard + output.Error);
        }
    }

    [Theory, MemberData(nameof(OfWeightFiles))]
    public void Weights_are_read_or_refused(string name, string message)
    {
        string[] command = ["evaluate", "--model", cases[name], "--network", OfWeights, "--data", cases["10-ten-images"], "--device", "cpu"];
        if (message.Length == 0) Done(command);
        else Refuses(name, message, command);
        if (!name.Contains("extra", StringComparison.Ordinal)) return;
        Assert.Contains("--allow-extra", Run(command).Error, StringComparison.Ordinal);
        Done([.. command, "--allow-extra"]);
    }

    [Theory, MemberData(nameof(NetworkTexts))]
    public void Network_texts_are_read_or_refused(string name, string message)
    {
        if (message.Length == 0) Assert.Contains("5,874", Done("summary", "--network", cases[name]), StringComparison.Ordinal);
        else Refuses(name, message, "summary", "--network", cases[name]);
    }

    [Theory, MemberData(nameof(DamagedOnnx))]
    public void Damaged_ONNX_files_are_refused_at_once(string name)
    {
        foreach (string[] command in (string[][])[["evaluate", "--model", cases[name], "--device", "cpu"], ["onnx", "run", cases[name], "--device", "cpu"]])
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Refuses(name, "", command);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000_000);
        }
    }

    [Theory, InlineData("checkpoint-other-end"), InlineData("checkpoint-unknown-name")]
    public void A_damaged_checkpoint_is_not_gone_on_with(string name)
    {
        Directory.CreateDirectory(folder["run/checkpoint"]);
        File.Copy(cases[$"damaged/{name}.safetensors"], folder["run/checkpoint/state.safetensors"]);
        Refuses("", folder["run/checkpoint/state.safetensors"], "train", "--resume", folder["run"], "--device", "cpu");
    }

    [Fact]
    public void A_batch_of_one_is_refused_with_what_helps()
    {
        string[] command = ["train", "--data", cases["09-three"], "--network", cases["19-bn-last-batch/net.txt"], "--limit", "65", "--epochs", "1", "--device", "cpu", "--out", folder["run"]];
        Refuses("", "bn1 normalises each channel over a batch, and the last batch of an epoch, 65 images in batches of 64, has one value of each. Take another --batch.", [.. command, "--batch", "64"]);
        Assert.False(Directory.Exists(folder["run"]));
        Done([.. command, "--batch", "65"]);
    }

    [Fact]
    public void A_gzip_file_without_its_checksum_is_told() =>
        Assert.Contains("damaged, or cut off before their checksum", Assert.Throws<DataException>(() => Idx.ReadImages(cases["damaged/gzip-other-content.idx.gz"])).Message, StringComparison.Ordinal);

    [Fact]
    public void Noise_is_a_picture_like_any_other() => Assert.Single(Predict([cases["damaged/pictures-and-weights/noise.png"]]));

    private Output Train(string name) => Run("train", "--data", cases[name], "--network", Small, "--epochs", "1", "--batch", "16", "--device", "cpu", "--out", folder["run"]);

    private JsonElement[] Predict(string[] files, params string[] options) =>
        [.. JsonDocument.Parse(Done(["predict", "--model", cases.Model, .. files, "--device", "cpu", "--json", .. options])).RootElement.EnumerateArray()];

    // One or two lines: the file, what is wrong.
    private static void Refuses(string name, string message, params string[] command)
    {
        Output output = Run(command);
        Assert.Equal((2, ""), (output.ExitCode, output.Standard));
        Assert.Contains(message, output.Error, StringComparison.Ordinal);
        Assert.Contains(name, output.Error.Replace('\\', '/'), StringComparison.Ordinal);
        Assert.InRange(output.Error.Trim().Split('\n').Length, 1, 3);
    }
}

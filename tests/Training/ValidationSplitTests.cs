using GpuConv.Net;

namespace GpuConv.Tests;

public class ValidationSplitTests
{
    [Theory]
    [InlineData("0123012301230123", 4, "")] // all classes in both: the last ones
    [InlineData("0000111122223333", 4, "3 7 11 15")] // sorted: the last of each
    [InlineData("0000111122223333", 8, "2 3 6 7 10 11 14 15")]
    [InlineData("0000000011112222", 4, "6 7 11 15")] // in proportion: 2, 1, 1
    [InlineData("0120120120121203", 4, "")] // the one image of class 3 cannot be in both parts
    [InlineData("0120120120120003", 4, "10 11 13 14")]
    [InlineData("0123012301230120", 2, "")] // two images cannot be of four classes
    [InlineData("0000000000001122", 2, "10 11")] // but none of those to train on may go
    public void Where_a_class_would_be_missing_the_last_of_each_are_taken(string labels, int count, string kept)
    {
        DataSet data = Of(labels);
        Assert.Equal(kept.Length > 0, ValidationSplit.IsOfEachClass(data, count));
        LabelledImages arranged = ValidationSplit.Arrange(data, count);
        int[] expected = kept.Length > 0 ? [.. kept.Split(' ').Select(int.Parse)] : [.. Enumerable.Range(labels.Length - count, count)];
        Assert.Equal(expected, arranged.Pixels[^count..].Select(p => (int)p));
        Assert.Equal(Enumerable.Range(0, labels.Length).Except(expected), arranged.Pixels[..^count].Select(p => (int)p));
        Assert.All(Enumerable.Range(0, labels.Length), i => Assert.Equal(labels[arranged.Pixels[i]] - '0', arranged.Labels[i]));
    }

    /// <summary>In proportion, whatever the numbers: within one of the share, one at least, and as many as asked for.</summary>
    [Fact]
    public void The_counts_are_in_proportion()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 200; trial++)
        {
            int[] counts = [.. Enumerable.Range(0, random.Next(2, 12)).Select(_ => random.Next(2, 200))];
            string labels = string.Concat(counts.Select((n, c) => new string((char)('0' + c), n)));
            int count = random.Next(counts.Length, labels.Length / 2);
            DataSet data = Of(labels);
            if (!ValidationSplit.IsOfEachClass(data, count)) continue;
            int[] kept = [.. ValidationSplit.Arrange(data, count).Labels[^count..].CountBy(l => l).OrderBy(c => c.Key).Select(c => c.Value)];
            Assert.Equal(counts.Length, kept.Length);
            double forced = counts.Count(n => (double)count * n / labels.Length < 1);
            Assert.All(kept.Zip(counts), c => Assert.InRange(c.First, Math.Max(1, (double)count * c.Second / labels.Length - 1 - forced), Math.Min(c.Second - 1, (double)count * c.Second / labels.Length + 1)));
        }
    }

    /// <summary>What a set keeps for validation stays, whatever it lacks.</summary>
    [Fact]
    public void A_sources_own_validation_images_stay() => Assert.False(ValidationSplit.IsOfEachClass(Of("0000111122223333") with { ValidationCount = 4 }, 4));

    [Fact]
    public void A_training_by_a_sorted_file_validates_on_all_classes_says_so_and_keeps_it()
    {
        using var part = new MnistPart();
        using var folder = new TemporaryFolder();
        DataSet data = DataSet.Load(part.Path);
        int[] sorted = [.. Enumerable.Range(0, data.Train.Count).OrderBy(i => data.Train.Labels[i])];
        IdxFolder.Write(folder["sorted"], data with { Train = data.Train.At(sorted) });
        string[] command = ["train", "--network", "flatten; linear 10; logsoftmax", "--epochs", "2", "--device", "cpu", "--validation", "60", "--lr", "0.01"];
        GpuConvProgram.Output output = GpuConvProgram.Run([.. command, "--data", folder["sorted"], "--out", folder["run"]]);
        Assert.Equal(0, output.ExitCode);
        const string Said = "The last 60 training images, or those before them, lack a class: the last of each class, in proportion, are for validation instead.";
        Assert.Equal(1, output.Error.Split(Said).Length - 1);
        string metrics = File.ReadAllText(folder["run/metrics.json"]);
        Assert.Contains("\"validation_of_each_class\": true", metrics, StringComparison.Ordinal);
        // A class that is never trained is never recognised: without them some recall would be 0.
        double accuracy = System.Text.Json.JsonDocument.Parse(metrics).RootElement.GetProperty("history")[1].GetProperty("validation_accuracy").GetDouble();
        Assert.InRange(accuracy, 0.6, 1);
        output = GpuConvProgram.Run([.. command, "--data", part.Path, "--out", folder["other"]]);
        Assert.DoesNotContain(Said, output.Error, StringComparison.Ordinal);
        Assert.Contains("\"validation_of_each_class\": false", File.ReadAllText(folder["other/metrics.json"]), StringComparison.Ordinal);
        Assert.Contains("--limit 40: the first 40 training images are of 1 of 10 classes.", GpuConvProgram.Run([.. command, "--data", folder["sorted"], "--limit", "40", "--out", folder["limited"]]).Error, StringComparison.Ordinal);
    }

    // Each image is one pixel: its number.
    private static DataSet Of(string labels)
    {
        var images = new LabelledImages([.. Enumerable.Range(0, labels.Length).Select(i => (byte)i)], [.. labels.Select(c => c - '0')], 1, 1, 1);
        return new DataSet("made", images, images, images.Labels.Max() + 1, 0, 1, "");
    }
}

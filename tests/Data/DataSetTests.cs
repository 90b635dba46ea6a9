using GpuConv.Net;

namespace GpuConv.Tests;

public sealed class DataSetTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Mnist_is_embedded_with_its_known_numbers()
    {
        DataSet mnist = DataSet.Load("mnist");
        Assert.Equal(("mnist", 60_000, 10_000, 10), (mnist.Name, mnist.Train.Count, mnist.Test.Count, mnist.Classes));
        Assert.Equal((1, 28, 28), (mnist.Train.Channels, mnist.Train.Height, mnist.Train.Width));
        Assert.Equal([5, 0, 4, 1, 9, 2, 1, 3], mnist.Train.Labels[..8]);
        Assert.Equal([7, 2, 1, 0, 4, 1, 4, 9], mnist.Test.Labels[..8]);
        // The constants that everyone uses for MNIST, to the four digits that they give.
        Assert.Equal(0.1307, mnist.Mean, 0.00005);
        Assert.Equal(0.3081, mnist.Deviation, 0.00005);
        // Against the definition, in two passes.
        double mean = mnist.Train.Pixels.Average(p => p / 255.0);
        double deviation = Math.Sqrt(mnist.Train.Pixels.Average(p => (p / 255.0 - mean) * (p / 255.0 - mean)));
        Assert.Equal(mean, mnist.Mean, 1e-8);
        Assert.Equal(deviation, mnist.Deviation, 2e-8);
        Assert.Equal([.. mnist.Train.Pixels[784..1568]], mnist.Train.Image(1).ToArray());
    }

    [Theory]
    [InlineData("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", null)]
    [InlineData("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte.gz", null)]
    [InlineData("train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte", null)]
    [InlineData("emnist-digits-train-images-idx3-ubyte.gz", "emnist-digits-train-labels-idx1-ubyte.gz", "emnist-digits-test-images-idx3-ubyte.gz", "emnist-digits-test-labels-idx1-ubyte.gz", "emnist-digits")]
    public void The_usual_names_are_found(string trainImages, string trainLabels, string testImages, string testLabels, string? name)
    {
        WriteSet(trainImages, trainLabels, testImages, testLabels);
        DataSet set = DataSet.Load(folder.Path);
        Assert.Equal((2, 1, 3), (set.Train.Count, set.Test.Count, set.Classes));
        Assert.Equal([0, 2], set.Train.Labels);
        Assert.Equal(name ?? Path.GetFileName(folder.Path), set.Name);
        Assert.Equal(set.Train.Pixels, DataSet.Load(folder.Path + "/").Train.Pixels);
    }

    /// <summary>What a drawn digit, the report's figures and the words on a page are decided by.</summary>
    [Fact]
    public void MNIST_is_known_by_its_files_and_not_by_a_folders_name()
    {
        DataSet mnist = DataSet.Load(DataSet.Mnist);
        IdxFolder.Write(folder["raw"], mnist);
        Assert.Equal((DataSet.Mnist, mnist.Sha256), (DataSet.Load(folder["raw"]).Name, DataSet.Load(folder["raw"]).Sha256));
        IdxFolder.Write(folder["mnist"], SmallData.Create());
        Assert.Equal("./mnist", DataSet.Load(folder["mnist"]).Name);
    }

    [Fact]
    public void The_digest_does_not_depend_on_names_or_compression()
    {
        WriteSet("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
        string raw = DataSet.Load(folder.Path).Sha256;
        using var other = new TemporaryFolder();
        WriteSet("x-train-images.idx3-ubyte.gz", "x-train-labels.idx1-ubyte.gz", "x-t10k-images.idx3-ubyte.gz", "x-t10k-labels.idx1-ubyte.gz", other);
        Assert.Equal(raw, DataSet.Load(other.Path).Sha256);
        Assert.Matches("^[0-9a-f]{64}$", raw);
    }

    [Fact]
    public void Of_several_sets_one_is_named_by_its_prefix()
    {
        foreach (string set in new[] { "emnist-digits-", "emnist-letters-" })
            WriteSet(set + "train-images-idx3-ubyte", set + "train-labels-idx1-ubyte", set + "test-images-idx3-ubyte", set + "test-labels-idx1-ubyte");
        Assert.Equal($"{folder.Path} holds several data sets. Name one: {folder["emnist-digits"]}, {folder["emnist-letters"]}.", Fails(folder.Path));
        Assert.Equal("emnist-letters", DataSet.Load(folder["emnist-letters"]).Name);
    }

    [Fact]
    public void An_unknown_name_says_what_can_be_given() =>
        Assert.Equal("There is no data set or folder 'cifar'. Give 'mnist' (embedded), or {train,t10k}-{images-idx3,labels-idx1}-ubyte (raw or .gz), a folder of pictures for each class, an .npz or a .csv file.", Fails("cifar"));

    [Fact]
    public void A_folder_without_the_files_lists_what_it_found()
    {
        Assert.Equal($"{folder.Path} holds no data: expected {DataFinder.Expected}. It is empty.", Fails(folder.Path));
        folder.Write("notes.txt", [1]);
        Directory.CreateDirectory(folder["inner"]);
        Assert.Equal($"{folder.Path} holds no data: expected {DataFinder.Expected}. Found: inner/, notes.txt.", Fails(folder.Path));
        Assert.Equal($"{folder["notes.txt"]} is a file. Name a folder or file of data: {DataFinder.Expected}.", Fails(folder["notes.txt"]));
        folder.Write("set.zip", [.. "PK\u0003\u0004"u8]);
        Assert.Equal($"{folder["set.zip"]} is a zip archive. Name a folder or file of data: {DataFinder.Expected}.", Fails(folder["set.zip"]));
        folder.Write("train-images-idx3-ubyte", IdxBytes.Images(1, 1, 1, [1]));
        folder.Write("t10k-labels-idx1-ubyte.gz", IdxBytes.Labels([1]), gzip: true);
        Assert.Equal($"{folder.Path} holds no complete data set: found train-images-idx3-ubyte, t10k-labels-idx1-ubyte.gz; missing train-labels, t10k-images.", Fails(folder.Path));
    }

    [Fact]
    public void Counts_that_disagree_are_told()
    {
        WriteStandard(trainLabels: [0, 1, 2]);
        Assert.Equal($"{folder["train-images-idx3-ubyte"]} has 2 images (offset 4) and {folder["train-labels-idx1-ubyte"]} 3 labels (offset 4): they do not belong together.", Fails(folder.Path));
    }

    [Fact]
    public void A_test_label_that_training_lacks_is_told()
    {
        WriteStandard(testLabels: [1]);
        Assert.Equal($"{folder["t10k-images-idx3-ubyte"]}, label 0: class 1 is in no training label (0 to 2). Check that the files belong together.", Fails(folder.Path));
    }

    [Fact]
    public void One_class_or_one_grey_is_nothing_to_learn()
    {
        WriteStandard(trainLabels: [0, 0], testLabels: [0]);
        Assert.Equal("Every training label is 0: there is nothing to tell apart. Check the training labels.", Fails(folder.Path));
        WriteStandard();
        folder.Write("train-images-idx3-ubyte", IdxBytes.Images(2, 2, 3, [.. Enumerable.Repeat((byte)7, 12)]));
        Assert.Equal($"{folder["train-images-idx3-ubyte"]}: every pixel of every training image is 7; there is nothing to learn from. Check how the file was made.", Fails(folder.Path));
    }

    [Fact]
    public void Images_of_two_sizes_are_told()
    {
        WriteStandard();
        folder.Write("t10k-images-idx3-ubyte", IdxBytes.Images(1, 3, 2, new byte[6]));
        Assert.Equal($"{folder["train-images-idx3-ubyte"]} has images of 2 x 3 pixels and {folder["t10k-images-idx3-ubyte"]} of 3 x 2 pixels: they are not of one data set.", Fails(folder.Path));
    }

    [Fact]
    public void A_fault_in_any_of_the_files_is_told()
    {
        foreach (string file in new[] { "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte" })
        {
            WriteStandard();
            folder.Write(file, [1, 2, 3, 4, 5]);
            Assert.StartsWith(folder[file], Fails(folder.Path), StringComparison.Ordinal);
        }
    }

    private static string Fails(string data) => Assert.Throws<DataException>(() => DataSet.Load(data)).Message;

    private void WriteStandard(byte[]? trainLabels = null, byte[]? testLabels = null) =>
        WriteSet("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", null, trainLabels, testLabels);

    /// <summary>Two training images and a test image of 2 x 3 pixels; files whose names end in .gz are compressed.</summary>
    private void WriteSet(string trainImages, string trainLabelsName, string testImages, string testLabelsName, TemporaryFolder? into = null, byte[]? trainLabels = null, byte[]? testLabels = null)
    {
        into ??= folder;
        Write(trainImages, IdxBytes.Images(2, 2, 3, [0, 1, 2, 3, 4, 5, 250, 251, 252, 253, 254, 255]));
        Write(trainLabelsName, IdxBytes.Labels(trainLabels ?? [0, 2]));
        Write(testImages, IdxBytes.Images(1, 2, 3, [9, 8, 7, 6, 5, 4]));
        Write(testLabelsName, IdxBytes.Labels(testLabels ?? [2]));

        void Write(string name, byte[] bytes) => into.Write(name, bytes, name.EndsWith(".gz", StringComparison.Ordinal));
    }
}

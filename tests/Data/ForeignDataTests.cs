using System.Globalization;
using System.IO.Compression;
using System.Text;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Data as others keep them: archives of NumPy, tables, EMNIST's files, and what is said of data that look wrong.</summary>
public sealed class ForeignDataTests : IDisposable
{
    private static readonly Lazy<DataSet> Small = new(() => DataSet.Load(DataSet.Mnist) is var mnist ? mnist with { Train = mnist.Train.First(600), Test = mnist.Test.First(200) } : null!);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void The_same_images_have_the_same_digest_in_every_container()
    {
        IdxFolder.Write(folder["idx"], Small.Value);
        DataSet idx = DataSet.Load(folder["idx"]);
        WriteNpz("keras.npz", ("x_train", Small.Value.Train.Pixels, [600, 28, 28]), ("y_train", Bytes(Small.Value.Train), [600]), ("x_test", Small.Value.Test.Pixels, [200, 28, 28]), ("y_test", Bytes(Small.Value.Test), [200]));
        WriteNpz("flat.npz", ("x_train", Small.Value.Train.Pixels, [600, 784]), ("y_train", Bytes(Small.Value.Train), [600, 1]), ("x_test", Small.Value.Test.Pixels, [200, 28, 28, 1]), ("y_test", Bytes(Small.Value.Test), [200]));
        Directory.CreateDirectory(folder["tables"]);
        WriteCsv("tables/x_train.csv", Small.Value.Train, "label", 0);
        WriteCsv("tables/x_test.csv", Small.Value.Test, null, 0);
        WriteCsv("last_Train.csv", Small.Value.Train, "label", 784);
        WriteCsv("last_Test.csv", Small.Value.Test, "label", 784);
        foreach ((string path, string name) in new[] { ("keras.npz", "keras"), ("flat.npz", "flat"), ("tables", "x"), ("last_Train.csv", "last") })
        {
            DataSet read = DataSet.Load(folder[path]);
            Assert.Equal((idx.Sha256, name, 10, idx.Mean, 0), (read.Sha256, read.Name, read.Classes, read.Mean, read.Notes.Count));
            Assert.Equal(idx.Train.Labels, read.Train.Labels);
        }
    }

    /// <summary>Keras's file is MNIST, and so it is called.</summary>
    [Fact]
    public void MNIST_is_known_in_an_archive_too()
    {
        DataSet mnist = DataSet.Load(DataSet.Mnist);
        WriteNpz("any.npz", ("x_train", mnist.Train.Pixels, [60_000, 28, 28]), ("y_train", Bytes(mnist.Train), [60_000]), ("x_test", mnist.Test.Pixels, [10_000, 28, 28]), ("y_test", Bytes(mnist.Test), [10_000]));
        Assert.Equal((DataSet.Mnist, mnist.Sha256), (DataSet.Load(folder["any.npz"]).Name, DataSet.Load(folder["any.npz"]).Sha256));
    }

    [Fact]
    public void MedMNIST_keeps_its_own_validation_and_its_colours()
    {
        // Channels lie last: pixel p of image i has 100 c + 10 i + p.
        byte[] Colours(int count, int first) => [.. from i in Enumerable.Range(first, count) from p in Enumerable.Range(0, 6) from c in Enumerable.Range(0, 3) select (byte)(70 * c + 10 * i + p)];
        WriteNpz("blood.npz", ("train_images", Colours(3, 0), [3, 2, 3, 3]), ("train_labels", [0, 1, 2], [3, 1]), ("val_images", Colours(2, 3), [2, 2, 3, 3]), ("val_labels", [1, 2], [2, 1]), ("test_images", Colours(1, 5), [1, 2, 3, 3]), ("test_labels", [2], [1, 1]));
        DataSet set = DataSet.Load(folder["blood.npz"]);
        Assert.Equal(new Shape(3, 2, 3), set.Train.ImageShape);
        Assert.Equal((5, 2, 1), (set.Train.Count, set.ValidationCount, set.Test.Count));
        Assert.Equal([0, 1, 2, 1, 2], set.Train.Labels);
        Assert.Equal([.. from c in Enumerable.Range(0, 3) from p in Enumerable.Range(0, 6) select (byte)(70 * c + 40 + p)], set.Train.Image(4).ToArray());
    }

    [Fact]
    public void Archives_that_cannot_be_read_are_told_why()
    {
        byte[] four = new byte[4 * 4];
        (string, byte[], int[]) images = ("x_train", four, [4, 2, 2]), labels = ("y_train", [0, 1, 0, 1], [4]);
        Fails("no labels for it: y_train or train_labels.", images);
        Fails("has no training images: expected x_train and y_train, or train_images and train_labels. Found: a, y_train.", ("a", [1], [1]), labels);
        Fails("x_train.npy has 4 images and y_train.npy 3 labels: they do not belong together.", images, ("y_train", [0, 1, 0], [3]));
        Fails("y_train.npy is [4, 2]: one label for each image is expected.", images, ("y_train", new byte[8], [4, 2]));
        Fails("x_train.npy is [4, 2, 2, 2]: expected (images, rows, columns), with 1 or 3 channels or without.", ("x_train", new byte[32], [4, 2, 2, 2]), labels);
        File.WriteAllText(folder["bad.npz"], "no archive");
        Assert.Equal($"{folder["bad.npz"]} is damaged: it is no archive that NumPy wrote. Copy or download it again.", Message("bad.npz"));
        NpzFile.Write(folder["bad.npz"], [("x_train", new Shape(1, 2, 2), [0, 0, 0, 1])]);
        Assert.EndsWith("but no labels for it: y_train or train_labels.", Message("bad.npz"));
        using (ZipArchive archive = ZipFile.Open(folder["bad.npz"], ZipArchiveMode.Update))
        {
            using Stream more = archive.CreateEntry("y_train.npy").Open();
            more.Write(Npy([0], [1]));
        }
        Assert.EndsWith("holds elements of type '<f4': images are unsigned bytes, 0 to 255 (numpy.uint8).", Message("bad.npz"));

        void Fails(string message, params (string, byte[], int[])[] arrays)
        {
            WriteNpz("bad.npz", arrays);
            Assert.EndsWith(message, Message("bad.npz"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Tables_that_cannot_be_read_are_told_with_line_and_column()
    {
        Fails("line 1: expected a label and pixels with commas between them.", "hello");
        Fails("line 1: expected a label and pixels with commas between them, and this is a web page, not what was to be downloaded.", "<!DOCTYPE html>");
        Fails("3 pixels in a line are no square, and the first line does not say how many rows and columns they are (as 1x1 to 28x28).", "0,1,2,3\n");
        Fails("line 3, column 4: '256' is no brightness from 0 to 255.", "label,a,b,c,d\n0,1,2,3,4\n1,2,3,256,5\n");
        Fails("line 2, column 1: 'x' is no number of a class.", "0,1,2,3,4\nx,2,3,25,5\n");
        Fails("line 2: it has 4 columns, the first line 5.", "0,1,2,3,4\n1,2,3,25\n");
        Fails("line 2: it has more than 5 columns, the first line 5.", "0,1,2,3,4\n1,2,3,25,7,8\n");
        Fails("has no images after its first line.", "label,a,b,c,d\n");
        File.WriteAllText(folder["t.csv"], "\ufefflabel,1x1,1x2\r\n\r\n\"1\",2.0,3\r\n0,4,5\r\n1,6,7\r\n0,8,9");
        DataSet set = DataSet.Load(folder["t.csv"]);
        Assert.Equal((1, 1, 2), (set.Train.Channels, set.Train.Height, set.Train.Width));
        Assert.Equal([1, 0], set.Train.Labels);
        Assert.Equal([2, 3, 4, 5], set.Train.Pixels);
        Assert.Equal([6, 7, 8, 9], set.Test.Pixels);

        void Fails(string message, string text)
        {
            File.WriteAllText(folder["t.csv"], text);
            Assert.Equal($"{folder["t.csv"]}{(message.StartsWith("line", StringComparison.Ordinal) ? "," : message.StartsWith("has", StringComparison.Ordinal) ? "" : ":")} {message}", Message("t.csv"));
        }
    }

    [Fact]
    public void Kaggles_test_table_has_no_labels_and_every_fifth_image_is_held_out()
    {
        WriteCsv("train.csv", Small.Value.Train, "label", 0);
        string[] lines = File.ReadAllLines(folder["train.csv"]);
        File.WriteAllLines(folder["test.csv"], lines.Take(20).Select(l => l[(l.IndexOf(',') + 1)..]));
        DataSet set = DataSet.Load(folder.Path);
        Assert.Equal([$"{folder["test.csv"]} has no labels and is left out.", $"{folder["train.csv"]} comes without test images: every fifth image of each class is for testing."], set.Notes);
        Assert.Equal(Path.GetFileName(folder.Path), set.Name);
        for (int digit = 0; digit < 10; digit++)
        {
            int[] all = [.. Enumerable.Range(0, 600).Where(i => Small.Value.Train.Labels[i] == digit)];
            Assert.Equal([.. all.Where((_, at) => at % 5 == 4).SelectMany(i => Small.Value.Train.Image(i).ToArray())], [.. Enumerable.Range(0, set.Test.Count).Where(i => set.Test.Labels[i] == digit).SelectMany(i => set.Test.Image(i).ToArray())]);
        }
        Assert.Equal(600, set.Train.Count + set.Test.Count);
    }

    [Fact]
    public void EMNISTs_letters_are_turned_upright_and_start_at_A()
    {
        // Digits stand for letters: 1 to 10 of 26.
        DataSet letters = Small.Value with { Train = Shifted(Small.Value.Train, 26), Test = Shifted(Small.Value.Test, 10) };
        IdxFolder.Write(folder["raw"], letters with { Train = letters.Train.Transposed(), Test = letters.Test.Transposed() });
        foreach (string file in Directory.GetFiles(folder["raw"])) File.Move(file, Path.Combine(folder["raw"], "emnist-letters-" + Path.GetFileName(file).Replace("t10k", "test", StringComparison.Ordinal)));
        DataSet read = DataSet.Load(folder.Path);
        Assert.Equal(("emnist-letters", 26), (read.Name, read.Classes));
        Assert.Equal(["A", "B", "C"], read.ClassNames!.Take(3));
        Assert.Equal(letters.Train.Pixels, read.Train.Pixels);
        Assert.Equal(letters.Test.Pixels, read.Test.Pixels);
        Assert.Equal(letters.Test.Labels.Select(l => l - 1), read.Test.Labels);
        Assert.False(read.FromPictures);
        Assert.Contains("emnist-letters: its images are stored transposed, as EMNIST's are, and were turned upright (--transpose no: not).", read.Notes);
        DataSet asStored = DataSet.Load(folder.Path, new DataReading { Transpose = false });
        Assert.Equal(letters.Train.Transposed().Pixels, asStored.Train.Pixels);
        Assert.DoesNotContain(asStored.Notes, n => n.Contains("transposed", StringComparison.Ordinal));
        Assert.NotEqual(read.Sha256, asStored.Sha256);

        // The last class is made up, as digits are only ten.
        static LabelledImages Shifted(LabelledImages images, int last) => images with { Labels = [.. images.Labels.Select((l, i) => i == 0 ? last : l + 1)] };
    }

    [Theory, InlineData(47, "a", 36), InlineData(62, "z", 61), InlineData(10, null, 0)]
    public void EMNISTs_other_classes_have_their_names(int classes, string? name, int at)
    {
        Assert.Equal(name, Emnist.ClassNames(classes)?[at]);
        if (name is not null) Assert.Equal((classes, "Z"), (Emnist.ClassNames(classes)!.Distinct().Count(), Emnist.ClassNames(classes)![35]));
    }

    [Fact]
    public void Labels_from_one_are_numbered_from_zero_and_keep_their_numbers_as_names()
    {
        IdxFolder.Write(folder["from-one"], Small.Value with { Train = Small.Value.Train with { Labels = Array.ConvertAll(Small.Value.Train.Labels, l => l + 1) }, Test = Small.Value.Test with { Labels = Array.ConvertAll(Small.Value.Test.Labels, l => l + 1) } });
        DataSet read = DataSet.Load(folder["from-one"]);
        Assert.Equal(Small.Value.Train.Labels, read.Train.Labels);
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"], read.ClassNames!);
    }

    [Fact]
    public void Digits_that_look_transposed_are_mentioned_and_turned_where_that_is_asked_for()
    {
        IdxFolder.Write(folder["digits"], Small.Value with { Train = Small.Value.Train.Transposed(), Test = Small.Value.Test.Transposed() });
        Assert.Equal(["digits: its images look transposed beside MNIST's (--transpose yes turns them upright)."], DataSet.Load(folder["digits"]).Notes);
        DataSet turned = DataSet.Load(folder["digits"], new DataReading { Transpose = true });
        Assert.Equal(Small.Value.Train.Pixels, turned.Train.Pixels);
        Assert.Empty(turned.Notes);
        // Upright ones under EMNIST's name stay so.
        IdxFolder.Write(folder["emnist-mnist"], Small.Value);
        Assert.Equal((0, true), (DataSet.Load(folder["emnist-mnist"]).Notes.Count, DataSet.Load(folder["emnist-mnist"]).Train.Pixels.SequenceEqual(Small.Value.Train.Pixels)));
        Assert.Null(Orientation.LooksTransposed(SmallData.Create().Train));
        // No digits: each class has its half, which is another one transposed.
        LabelledImages halves = Small.Value.Train with { Pixels = [.. Enumerable.Range(0, 600).SelectMany(i => Enumerable.Range(0, 784).Select(p => (byte)(Small.Value.Train.Labels[i] % 2 == 0 ? p % 28 * 9 : p / 28 * 9)))] };
        Assert.Null(Orientation.LooksTransposed(halves));
    }

    [Theory, InlineData(10, false), InlineData(9, true)]
    public void Imbalance_over_ten_to_one_is_mentioned(int ofRare, bool said)
    {
        int[] labels = [.. Enumerable.Repeat(1, ofRare), .. Enumerable.Repeat(0, 100)];
        var pixels = new byte[labels.Length * 4];
        new Random(1).NextBytes(pixels);
        var images = new LabelledImages(pixels, labels, 1, 2, 2);
        IdxFolder.Write(folder["rare"], new DataSet("rare", images, images, 2, 0, 1, ""));
        IReadOnlyList<string> notes = DataSet.Load(folder["rare"]).Notes;
        Assert.Equal(said ? [$"rare: of class 0 there are 100 training images, of 1 {ofRare}. Look at each class's recall, accuracy hides the rare ones."] : [], notes);
    }

    [Fact]
    public void Of_several_sets_in_folders_one_must_be_named()
    {
        IdxFolder.Write(folder["MNIST/raw"], Small.Value);
        IdxFolder.Write(folder["FashionMNIST/raw"], Small.Value);
        Directory.CreateDirectory(folder["FashionMNIST/processed"]);
        Assert.Equal($"{folder.Path} holds several data sets. Name one: {folder["FashionMNIST/raw"]}, {folder["MNIST/raw"]}.", Assert.Throws<DataException>(() => DataSet.Load(folder.Path)).Message);
        Assert.Equal(600, DataSet.Load(folder["FashionMNIST"]).Train.Count);
    }

    private static byte[] Bytes(LabelledImages images) => Array.ConvertAll(images.Labels, l => (byte)l);

    private string Message(string name) => Assert.Throws<DataException>(() => DataSet.Load(folder[name])).Message;

    private void WriteNpz(string name, params (string Name, byte[] Elements, int[] Shape)[] arrays)
    {
        File.Delete(folder[name]);
        using ZipArchive archive = ZipFile.Open(folder[name], ZipArchiveMode.Create);
        foreach ((string array, byte[] elements, int[] shape) in arrays)
        {
            using Stream entry = archive.CreateEntry($"{array}.npy", CompressionLevel.Fastest).Open();
            entry.Write(Npy(elements, shape));
        }
    }

    private static byte[] Npy(byte[] elements, int[] shape)
    {
        string header = $"{{'descr': '|u1', 'fortran_order': False, 'shape': ({string.Join(", ", shape)},), }}\n";
        return [0x93, .. "NUMPY"u8, 1, 0, (byte)header.Length, 0, .. Encoding.ASCII.GetBytes(header), .. elements];
    }

    private void WriteCsv(string name, LabelledImages images, string? label, int column)
    {
        var text = new StringBuilder();
        if (label is not null) text.AppendJoin(',', Enumerable.Range(0, images.ImageSize).Select(i => $"pixel{i}").ToList() is var names && Insert(names, label, column) ? names : []).Append('\n');
        for (int i = 0; i < images.Count; i++)
        {
            List<string> fields = [.. images.Image(i).ToArray().Select(p => p.ToString(CultureInfo.InvariantCulture))];
            fields.Insert(column, images.Labels[i].ToString(CultureInfo.InvariantCulture));
            text.AppendJoin(',', fields).Append('\n');
        }
        File.WriteAllText(folder[name], text.ToString());

        static bool Insert(List<string> names, string label, int column)
        {
            names.Insert(column, label);
            return true;
        }
    }
}

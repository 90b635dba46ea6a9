using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GpuConv.Net;

/// <summary>
/// A data set: images to train on and images to test on, with what normalises them.
/// </summary>
/// <param name="Name">What people call it: <c>mnist</c>, or the folder's or file set's name.</param>
/// <param name="Train">The whole training file.</param>
/// <param name="Test">The test file.</param>
/// <param name="Classes">The largest training label + 1.</param>
/// <param name="Mean">Mean of pixel/255 over the whole training file.</param>
/// <param name="Deviation">Population standard deviation of pixel/255 over the whole training file.</param>
/// <param name="Sha256">SHA-256 over the four files' SHA-256 digests (training images, training labels, test images, test labels; each
/// uncompressed), in lower-case hexadecimal: the same whether the files are compressed or not, and whatever their names.</param>
public sealed record DataSet(string Name, LabelledImages Train, LabelledImages Test, int Classes, float Mean, float Deviation, string Sha256)
{
    /// <summary>Names of the classes, or null where they are numbers alone.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>What a network's outputs are called: its classes by their names, and what it has beyond them by their numbers; null where classes have no names.</summary>
    /// <param name="outputs">How many outputs, at least as many as classes.</param>
    public IReadOnlyList<string>? NamesOf(int outputs) => ClassNames is null ? null : [.. Enumerable.Range(0, outputs).Select(c => c < ClassNames.Count ? ClassNames[c] : string.Create(CultureInfo.InvariantCulture, $"{c}"))];

    /// <summary>The name of the embedded data set.</summary>
    public const string Mnist = "mnist";

    /// <summary>SHA-256 of the embedded files, uncompressed, in the order of <see cref="IdxFiles"/>.</summary>
    private static readonly string[] MnistSha256 =
    [
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ];

    /// <summary>
    /// Loads a data set: <c>mnist</c> (embedded), a folder with the four IDX files, raw or gzip, or such a folder followed by the prefix that
    /// tells several sets in it apart (<c>data/emnist-digits</c>). A folder called mnist is <c>./mnist</c>. Folders of pictures are <see cref="ImageFolder"/>'s.
    /// </summary>
    /// <param name="nameOrFolder">The name, folder, or folder and prefix.</param>
    /// <exception cref="DataException">There is no such data set, or its files are damaged or contradict each other.</exception>
    public static DataSet Load(string nameOrFolder)
    {
        ArgumentNullException.ThrowIfNull(nameOrFolder);
        if (nameOrFolder.Equals(Mnist, StringComparison.OrdinalIgnoreCase)) return LoadMnist();
        return Load(IdxFiles.Find(nameOrFolder));
    }

    private static DataSet LoadMnist()
    {
        var files = new IdxFiles(Mnist, "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz");
        return Load(files, images => Embedded(images, Idx.ReadImages), labels => Embedded(labels, Idx.ReadLabels), MnistSha256);
    }

    private static Idx Embedded(string file, Func<Stream, string, Idx> read)
    {
        string name = "GpuConv.Net.Data.mnist." + file;
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new DataException($"The embedded file {name} is missing: the program was built without it. Build it again from a complete checkout.");
        return read(stream, $"The embedded {file}");
    }

    private static DataSet Load(IdxFiles files) => Load(files, Idx.ReadImages, Idx.ReadLabels, null);

    private static DataSet Load(IdxFiles files, Func<string, Idx> readImages, Func<string, Idx> readLabels, string[]? expectedSha256)
    {
        // The training images are most of the bytes: they are decompressed while another thread reads the rest.
        Task<Idx[]> rest = Task.Run(() => new[] { readLabels(files.TrainLabels), readImages(files.TestImages), readLabels(files.TestLabels) });
        Idx images;
        try
        {
            images = readImages(files.TrainImages);
        }
        catch
        {
            rest.ContinueWith(static t => t.Exception, TaskScheduler.Default); // the training images' message is the one to show
            throw;
        }
        Idx[] others = rest.GetAwaiter().GetResult();
        Idx[] all = [images, .. others];
        if (expectedSha256 is not null)
        {
            for (int i = 0; i < all.Length; i++)
            {
                if (all[i].Sha256 != expectedSha256[i])
                    throw new DataException($"The embedded {files.All[i]} is damaged: its SHA-256 is {all[i].Sha256}, not {expectedSha256[i]}. Install the program again.");
            }
        }

        LabelledImages train = Join(images, others[0], files.TrainImages, files.TrainLabels);
        LabelledImages test = Join(others[1], others[2], files.TestImages, files.TestLabels);
        if (train.Height != test.Height || train.Width != test.Width)
            throw new DataException($"{files.TrainImages} has images of {train.Height} x {train.Width} pixels and {files.TestImages} of {test.Height} x {test.Width}: they are not of one data set.");
        int classes = CountClasses(train.Labels, test.Labels, files.TestLabels);
        (double mean, double deviation) = Moments(train.Pixels);
        if (deviation == 0)
            throw new DataException($"{files.TrainImages}: every pixel of every image is {train.Pixels[0]}; there is nothing to learn from. Check how the file was made.");
        byte[] digests = Convert.FromHexString(string.Concat(all.Select(idx => idx.Sha256)));
        string name = all.Select(idx => idx.Sha256).SequenceEqual(MnistSha256) ? Mnist : NameOfFolder(files.Name);
        return new DataSet(name, train, test, classes, (float)mean, (float)deviation, Convert.ToHexStringLower(SHA256.HashData(digests)));
    }

    /// <summary>What a data set of a folder is called: by its folder, but not what the embedded one is.</summary>
    internal static string NameOfFolder(string name) => name == Mnist ? "./" + Mnist : name;

    private static LabelledImages Join(Idx images, Idx labels, string imagesName, string labelsName)
    {
        if (images.Dimensions[0] != labels.Dimensions[0])
            throw new DataException($"{imagesName} has {images.Dimensions[0]} images (offset 4) and {labelsName} {labels.Dimensions[0]} labels (offset 4): they do not belong together.");
        return new LabelledImages(images.Bytes, Array.ConvertAll(labels.Bytes, b => (int)b), 1, images.Dimensions[1], images.Dimensions[2]);
    }

    private static int CountClasses(int[] train, int[] test, string testName)
    {
        var known = new bool[256];
        foreach (int label in train) known[label] = true;
        int classes = Array.LastIndexOf(known, true) + 1;
        if (classes < 2) throw new DataException("Every training label is 0: there is nothing to tell apart. Check the training labels.");
        for (int i = 0; i < test.Length; i++)
        {
            if (!known[test[i]])
                throw new DataException($"{testName}, label {i} (offset {8 + i} of the uncompressed file): class {test[i]} is in no training label (0 to {classes - 1}). Check that the files belong together.");
        }
        return classes;
    }

    /// <summary>Mean and population standard deviation of pixel/255, from integer sums, which are exact.</summary>
    internal static (double Mean, double Deviation) Moments(byte[] pixels)
    {
        // Four histograms, so that runs of equal pixels (the background) do not wait for one counter.
        var counts = new long[4 * 256];
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(pixels);
        foreach (uint word in words)
        {
            counts[word & 255]++;
            counts[256 + (word >> 8 & 255)]++;
            counts[512 + (word >> 16 & 255)]++;
            counts[768 + (word >> 24)]++;
        }
        for (int i = words.Length * 4; i < pixels.Length; i++) counts[pixels[i]]++;

        Int128 sum = 0, squares = 0, n = pixels.Length;
        for (int i = 0; i < counts.Length; i++)
        {
            int value = i & 255;
            sum += counts[i] * value;
            squares += counts[i] * value * value;
        }
        // n^2 times the variance is an integer: n * sum of squares - (sum)^2.
        double count = (double)n;
        return ((double)sum / count / 255, Math.Sqrt((double)(n * squares - sum * sum)) / count / 255);
    }
}

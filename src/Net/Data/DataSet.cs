using System.Globalization;
using System.Runtime.InteropServices;

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
/// <param name="Sha256">SHA-256 over four SHA-256 digests, in lower-case hexadecimal: of training images, training labels, test images and test labels, each as an IDX file that is not
/// compressed. So it is the same for the same images, whatever files they come from. Of coloured images and of pictures it is one digest over shape, names, images and labels.</param>
public sealed record DataSet(string Name, LabelledImages Train, LabelledImages Test, int Classes, float Mean, float Deviation, string Sha256)
{
    /// <summary>Names of the classes, or null where they are numbers alone.</summary>
    public IReadOnlyList<string>? ClassNames { get; init; }

    /// <summary>How many of the last training images the source itself keeps for validation; 0: none.</summary>
    public int ValidationCount { get; init; }

    /// <summary>Whether the images come from picture files, light or dark as these are; those of other sources are light on dark.</summary>
    public bool FromPictures { get; init; }

    /// <summary>What whoever uses the data should know: what was turned, left out, or looks wrong. A sentence or two each.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>What a network's outputs are called: its classes by their names, and what it has beyond them by their numbers; null where classes have no names.</summary>
    /// <param name="outputs">How many outputs, at least as many as classes.</param>
    public IReadOnlyList<string>? NamesOf(int outputs) => ClassNames is null ? null : [.. Enumerable.Range(0, outputs).Select(c => c < ClassNames.Count ? ClassNames[c] : string.Create(CultureInfo.InvariantCulture, $"{c}"))];

    /// <summary>The name of the embedded data set.</summary>
    public const string Mnist = "mnist";

    /// <summary>
    /// Loads a data set: <c>mnist</c> (embedded); a folder with four IDX files, raw or gzip, or such a folder followed by the prefix that tells several sets in it apart
    /// (<c>data/emnist-letters</c>); a folder of class folders with pictures (DIR/CLASS/*.png, or DIR/train/CLASS/*.png and DIR/test/CLASS/*.png, as torchvision's ImageFolder takes them); an .npz file of Keras or MedMNIST; a .csv file of labels and pixels, or the
    /// folder of either; or a folder in which one such folder lies. A folder called mnist is <c>./mnist</c>. Without test images, every fifth image of each class is for testing.
    /// </summary>
    /// <remarks>
    /// <para>Of pictures, classes are numbered in the ordinal order of their folders' names, as PyTorch does; the names go with the data and with the models that are trained on them. DIR/train may be called Train or
    /// Training, DIR/test Test or Testing. DIR/val (or valid, validation) beside both holds the images for validation, which stand last among those for training (<see cref="ValidationCount"/>); without
    /// DIR/test it is for testing. The classes take turns, in proportion to their numbers of images, so that the first images and the last ones (what <see cref="TrainingOptions.Limit"/> and
    /// <see cref="TrainingOptions.Validation"/> take) hold all of them. Images have one channel if every pixel of every one of them is grey, else three, channel by channel. One mean and one deviation
    /// serve all channels.</para>
    /// <para>Held out for testing are the 5th, the 10th, … of each class, in the order of the files' names or of the images; of fewer than five the last: the same ones whatever the seed.</para>
    /// <para>Labels that start at 1 or later are numbered from 0 (<see cref="ClassNames"/> has what they were). What was left out, turned or looks wrong is said in <see cref="Notes"/>.</para>
    /// </remarks>
    /// <param name="nameOrPath">The name, folder, folder and prefix, or file.</param>
    /// <param name="reading">How it is read; null: as it is, and no pictures.</param>
    /// <param name="cancellation">Ends the decoding of pictures.</param>
    /// <exception cref="DataException">There is no such data set, or its files are damaged or contradict each other.</exception>
    public static DataSet Load(string nameOrPath, DataReading? reading = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(nameOrPath);
        reading ??= new DataReading();
        return nameOrPath.Equals(Mnist, StringComparison.OrdinalIgnoreCase) ? EmbeddedMnist.Load(reading.Transpose == true) : DataFinder.Find(nameOrPath).Read(reading, cancellation).Assemble(reading.Transpose);
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

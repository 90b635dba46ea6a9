using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace GpuConv.Net;

/// <summary>What a source holds; <see cref="Assemble"/> makes a data set of it: the same for all kinds of files.</summary>
/// <param name="Name">What the data set is called.</param>
/// <param name="Train">Its training images, the last ones those that it keeps for validation.</param>
/// <param name="TrainName">Where they come from, for messages.</param>
/// <param name="Test">Its test images; null if it has none.</param>
/// <param name="TestName">Where they come from, for messages.</param>
internal sealed record DataParts(string Name, LabelledImages Train, string TrainName, LabelledImages? Test, string TestName)
{
    // More classes are taken for something else than labels.
    private const int MostClasses = 65_536;

    private const int Unbalanced = 10;

    public IReadOnlyList<string>? ClassNames { get; init; }

    public int ValidationCount { get; init; }

    public bool FromPictures { get; init; }

    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The data set.</summary>
    /// <param name="transpose">Whether images are transposed; null: if they are EMNIST's.</param>
    /// <exception cref="DataException">The parts contradict each other, or there is nothing to learn.</exception>
    public DataSet Assemble(bool? transpose)
    {
        var notes = new List<string>(Notes);
        LabelledImages train = Train, test;
        if (Test is not null) test = Test;
        else
        {
            (train, test) = HeldOut.Split(Train, TrainName);
            notes.Add($"{TrainName} comes without test images: {HeldOut.Note}.");
        }
        if (train.ImageShape != test.ImageShape)
            throw new DataException($"{TrainName} has images of {Size(train)} and {TestName} of {Size(test)}: they are not of one data set.");
        IReadOnlyList<string>? names = ClassNames;
        if (names is null) (train, test, names) = FromZero(train, test);
        int classes = CountClasses(train.Labels, test.Labels);
        (double mean, double deviation) = DataSet.Moments(train.Pixels);
        if (deviation == 0) throw new DataException($"{TrainName}: every pixel of every training image is {train.Pixels[0]}; there is nothing to learn from. Check how the file was made.");
        if (names is null && Emnist.Is(Name)) names = Emnist.ClassNames(classes);
        bool mayBeDigits = !FromPictures && (names is null || names[0] == "0");
        bool turns = transpose ?? (Emnist.Is(Name) && !(mayBeDigits && Orientation.LooksTransposed(train) == false));
        if (turns) (train, test) = (train.Transposed(), test.Transposed());
        string[]? digests = FromPictures || train.Channels != 1 ? null : Digests(train, test);
        bool isMnist = digests is not null && EmbeddedMnist.Is(digests);
        if (turns && transpose is null) notes.Add($"{Name}: its images are stored transposed, as EMNIST's are, and were turned upright (--transpose no: not).");
        else if (!turns && !isMnist && mayBeDigits && Orientation.LooksTransposed(train) == true) notes.Add($"{Name}: its images look transposed beside MNIST's (--transpose yes turns them upright).");
        if (Imbalance(train.Labels, classes, names) is { } imbalance) notes.Add($"{Name}: {imbalance}");

        return new DataSet(isMnist ? DataSet.Mnist : NameOf(Name), train, test, classes, (float)mean, (float)deviation, digests is null ? DigestOfColours(names, train, test) : Joined(digests))
        {
            ClassNames = names,
            ValidationCount = ValidationCount,
            FromPictures = FromPictures,
            Notes = notes,
        };
    }

    // Other data than the embedded are not called as these are.
    private static string NameOf(string name) => name == DataSet.Mnist ? "./" + DataSet.Mnist : name;

    private static string Size(LabelledImages images) => images.Channels == 1 ? $"{images.Height} x {images.Width} pixels" : $"{images.Height} x {images.Width} pixels in colour";

    // Labels that start at 1, as EMNIST's letters do, or later: the classes keep their numbers as names.
    private static (LabelledImages Train, LabelledImages Test, IReadOnlyList<string>? Names) FromZero(LabelledImages train, LabelledImages test)
    {
        int first = Math.Min(train.Labels.Min(), test.Labels.Min()), last = train.Labels.Max();
        if (first <= 0 || first == last) return (train, test, null);
        LabelledImages Shifted(LabelledImages images) => images with { Labels = Array.ConvertAll(images.Labels, l => l - first) };
        IReadOnlyList<string> names = first == 1 && Emnist.ClassNames(last) is { } letters && last == letters.Count ? letters : [.. Enumerable.Range(first, Math.Min(MostClasses, last - first + 1)).Select(c => c.ToString(CultureInfo.InvariantCulture))];
        return (Shifted(train), Shifted(test), names);
    }

    private int CountClasses(int[] train, int[] test)
    {
        if (train.Min() < 0) throw new DataException($"{TrainName}: label {Array.FindIndex(train, l => l < 0)} is {train.Min()}; classes are numbered from 0.");
        int classes = train.Max() + 1;
        if (classes > MostClasses) throw new DataException($"{TrainName}: label {Array.IndexOf(train, classes - 1)} is {classes - 1}; more than {MostClasses} classes are taken for something else than labels.");
        if (classes < 2) throw new DataException("Every training label is 0: there is nothing to tell apart. Check the training labels.");
        var known = new bool[classes];
        foreach (int label in train) known[label] = true;
        int strange = Array.FindIndex(test, l => l < 0 || l >= classes || !known[l]);
        return strange < 0 ? classes : throw new DataException($"{TestName}, label {strange}: class {test[strange]} is in no training label (0 to {classes - 1}). Check that the files belong together.");
    }

    private static string? Imbalance(int[] labels, int classes, IReadOnlyList<string>? names)
    {
        var counts = new int[classes];
        foreach (int label in labels) counts[label]++;
        int least = Enumerable.Range(0, classes).Where(c => counts[c] > 0).MinBy(c => counts[c]), most = Enumerable.Range(0, classes).MaxBy(c => counts[c]);
        return counts[most] <= Unbalanced * counts[least] ? null
            : string.Create(CultureInfo.InvariantCulture, $"of class {names?[most] ?? $"{most}"} there are {counts[most]:n0} training images, of {names?[least] ?? $"{least}"} {counts[least]:n0}. Look at each class's recall, accuracy hides the rare ones.");
    }

    private static string[] Digests(LabelledImages train, LabelledImages test)
    {
        Task<string> ofTest = Task.Run(() => IdxDigest.OfImages(test));
        return [IdxDigest.OfImages(train), IdxDigest.OfLabels(train.Labels), ofTest.GetAwaiter().GetResult(), IdxDigest.OfLabels(test.Labels)];
    }

    private static string Joined(string[] digests) => Convert.ToHexStringLower(SHA256.HashData(Convert.FromHexString(string.Concat(digests))));

    private static string DigestOfColours(IReadOnlyList<string>? names, LabelledImages train, LabelledImages test)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"image folder, {train.ImageShape}, {names?.Count ?? 0} classes\n{string.Join('\n', names ?? [])}\n"));
        foreach (LabelledImages images in (LabelledImages[])[train, test])
        {
            hash.AppendData(images.Pixels);
            hash.AppendData(MemoryMarshal.AsBytes(images.Labels.AsSpan()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

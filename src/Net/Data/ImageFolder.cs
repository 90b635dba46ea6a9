using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace GpuConv.Net;

/// <summary>A decoded picture.</summary>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Pixels">(3, height, width): red, green and blue, 0..255; a picture in grey has the same number three times.</param>
public sealed record DecodedImage(int Height, int Width, byte[] Pixels);

/// <summary>Decodes a picture file. It is called from several threads at once.</summary>
/// <param name="path">The file.</param>
/// <param name="size">The height and width to scale it to, or null for its own.</param>
/// <returns>The picture, or null if the file is none that can be read.</returns>
public delegate DecodedImage? ImageDecoder(string path, (int Height, int Width)? size);

/// <summary>
/// A data set made of picture files in a folder for each class, as torchvision's ImageFolder takes it: DIR/train/CLASS/*.png with DIR/test/CLASS/*.png
/// (or DIR/val), or DIR/CLASS/*.png, of which a fixed part is for testing. Files are PNG or JPEG; this library decodes none itself.
/// </summary>
/// <remarks>
/// <para>Classes are numbered in the ordinal order of their folders' names, as PyTorch does; the names go with the data and with the models that are trained on them.</para>
/// <para>Without DIR/train, every fifth file of each class (the 5th, the 10th, …, in the ordinal order of their names; of fewer than five the last) is for
/// testing: the same ones whatever the seed.</para>
/// <para>The classes take turns, in proportion to their numbers of images, so that the first images and the last ones (what <see cref="TrainingOptions.Limit"/> and
/// <see cref="TrainingOptions.Validation"/> take) hold all of them.</para>
/// <para>Images have one channel if every pixel of every one of them is grey, else three, channel by channel. One mean and one deviation
/// serve all channels.</para>
/// </remarks>
public static class ImageFolder
{
    /// <summary>Without a folder for it, one of so many images of each class is for testing.</summary>
    private const int TestPeriod = 5;

    private static readonly string[] Extensions = [".png", ".jpg", ".jpeg"];

    // What file browsers leave behind.
    private static readonly string[] Ignored = ["thumbs.db", "desktop.ini"];

    private sealed record ClassFiles(string Name, string[] Files);

    private readonly record struct Labelled(string File, int Label);

    /// <summary>Whether a path is such a folder: it holds no IDX files, but folders with pictures, or such folders named train.</summary>
    /// <param name="path">The path; it need not exist.</param>
    public static bool IsAt(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            if (!Directory.Exists(path) || Directory.EnumerateFiles(path).Any(f => f.Contains("-ubyte", StringComparison.Ordinal))) return false;
            return Folders(path).Any(f => HasPicture(f) || (Path.GetFileName(f) == "train" && Folders(f).Any(HasPicture)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Reads the data set.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="decode">Decodes the pictures.</param>
    /// <param name="size">The height and width that all are scaled to; null: they must be of one size.</param>
    /// <param name="cancellation">Ends the reading.</param>
    /// <exception cref="DataException">There are fewer than two classes, one has no images, a file is no picture, or sizes differ.</exception>
    public static DataSet Load(string path, ImageDecoder decode, (int Height, int Width)? size = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(decode);
        string[] names;
        Labelled[] train, test;
        try
        {
            (names, train, test) = List(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }

        DecodedImage[] images = Decode(path, [.. train, .. test], decode, size, cancellation);
        (int height, int width) = (images[0].Height, images[0].Width);
        int channels = images.AsParallel().All(i => IsGrey(i.Pixels)) ? 1 : 3;
        LabelledImages trained = Join(path, images.AsSpan(0, train.Length), train, channels, height, width);
        LabelledImages tested = Join(path, images.AsSpan(train.Length), test, channels, height, width);
        (double mean, double deviation) = DataSet.Moments(trained.Pixels);
        if (deviation == 0) throw new DataException($"{path}: every pixel of every image for training is {trained.Pixels[0]}; there is nothing to learn from.");
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
        return new DataSet(DataSet.NameOfFolder(name), trained, tested, names.Length, (float)mean, (float)deviation, Digest(names, trained, tested)) { ClassNames = names };
    }

    private static (string[] Names, Labelled[] Train, Labelled[] Test) List(string path)
    {
        string trainFolder = Path.Combine(path, "train");
        if (!Directory.Exists(trainFolder))
        {
            ClassFiles[] all = Classes(path);
            if (all.FirstOrDefault(c => c.Files.Length < 2) is { } lone)
                throw new DataException($"{Path.Combine(path, lone.Name)} holds one image: a class needs at least two, one to train on and one to test on.");
            return (Names(all), TakeTurns(all, (i, count) => !IsForTest(i, count)), TakeTurns(all, IsForTest));
        }
        ClassFiles[] train = Classes(trainFolder);
        string testFolder = Path.Combine(path, "test"), otherFolder = Path.Combine(path, "val");
        if (!Directory.Exists(testFolder)) testFolder = Directory.Exists(otherFolder) ? otherFolder : throw new DataException($"{path} has a folder 'train' but none called 'test' or 'val', with the same classes.");
        var test = Folders(testFolder).Select(f => new ClassFiles(Path.GetFileName(f), Pictures(f))).ToDictionary(c => c.Name, c => c.Files);
        string[] names = Names(train);
        if (test.Keys.Except(names).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
            throw new DataException($"{Path.Combine(testFolder, unknown)}: there is no class '{unknown}' to train on in {trainFolder}.");
        if (test.Count == 0) throw new DataException($"{testFolder} holds no folders of classes.");
        return (names, TakeTurns(train, (_, _) => true), TakeTurns([.. names.Select(n => new ClassFiles(n, test.GetValueOrDefault(n) ?? []))], (_, _) => true));
    }

    private static bool IsForTest(int index, int count) => count < TestPeriod ? index == count - 1 : index % TestPeriod == TestPeriod - 1;

    private static string[] Names(ClassFiles[] classes) => [.. classes.Select(c => c.Name)];

    private static ClassFiles[] Classes(string folder)
    {
        ClassFiles[] classes = [.. Folders(folder).Select(f => new ClassFiles(Path.GetFileName(f), Pictures(f)))];
        if (classes.Length < 2) throw new DataException($"{folder} holds {(classes.Length == 0 ? "no class" : $"one class, '{classes[0].Name}'")}: it takes a folder of pictures for each of at least two.");
        return classes;
    }

    private static IEnumerable<string> Folders(string folder) =>
        Directory.EnumerateDirectories(folder).Where(f => !IsHidden(f)).OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal);

    private static bool IsHidden(string path) => Path.GetFileName(path).StartsWith('.');

    private static bool IsPicture(string path) => !IsHidden(path) && Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    private static bool HasPicture(string folder) => Directory.EnumerateFiles(folder).Any(IsPicture);

    private static string[] Pictures(string folder)
    {
        if (Folders(folder).FirstOrDefault() is { } inner) throw new DataException($"{inner} is a folder within a class: pictures lie in {folder} itself.");
        string[] files = [.. Directory.EnumerateFiles(folder).Where(f => !IsHidden(f) && !Ignored.Contains(Path.GetFileName(f), StringComparer.OrdinalIgnoreCase)).OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal)];
        if (Array.Find(files, f => !IsPicture(f)) is { } other) throw new DataException($"{other} is no PNG or JPEG file by its name. Take it out of the class's folder.");
        return files.Length > 0 ? files : throw new DataException($"{folder} holds no pictures: every class needs some (PNG or JPEG), or its folder must go.");
    }

    // A class's i-th of n images stands at (i + 1/2) / n of the way; of equals, the class with the lower number.
    private static Labelled[] TakeTurns(ClassFiles[] classes, Func<int, int, bool> isTaken) =>
        [.. classes
            .SelectMany((c, label) =>
            {
                string[] files = [.. c.Files.Where((_, i) => isTaken(i, c.Files.Length))];
                return files.Select((file, i) => (At: (2L * i + 1, (long)files.Length), Labelled: new Labelled(file, label)));
            })
            .OrderBy(x => x.At, Comparer<(long Above, long Below)>.Create((a, b) => ((Int128)a.Above * b.Below).CompareTo((Int128)b.Above * a.Below)))
            .ThenBy(x => x.Labelled.Label)
            .Select(x => x.Labelled)];

    private static DecodedImage[] Decode(string path, Labelled[] files, ImageDecoder decode, (int, int)? size, CancellationToken cancellation)
    {
        // The first tells what all together take, before they are decoded.
        DecodedImage first = Decoded(files[0].File);
        RequireRoom(path, files.Length, 1, first.Height, first.Width);
        var images = new DecodedImage[files.Length];
        var wrong = new DataException?[files.Length];
        images[0] = first;
        Parallel.For(1, files.Length, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            try
            {
                images[i] = Decoded(files[i].File);
                if (images[i].Height != first.Height || images[i].Width != first.Width)
                    throw new DataException($"{files[i].File} has {images[i].Height} x {images[i].Width} pixels, {files[0].File} {first.Height} x {first.Width}. Scale all to one size, as with --image-size {Math.Min(first.Height, 64)}x{Math.Min(first.Width, 64)}.");
            }
            catch (DataException e)
            {
                wrong[i] = e;
            }
        });
        // Whatever the threads: the first one's message.
        return Array.Find(wrong, w => w is not null) is { } found ? throw found : images;

        DecodedImage Decoded(string file)
        {
            try
            {
                return decode(file, size) ?? throw new DataException($"{file} is not an image that can be read; it may be damaged. Mend it, or take it out of the folder.");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DataException($"{file} cannot be read: {e.Message}", e);
            }
        }
    }

    private static void RequireRoom(string path, int images, int channels, int height, int width)
    {
        long all = (long)channels * height * width * images;
        if (all > Array.MaxLength) throw new DataException($"{path}: {images} images of {height} x {width} pixels are {all / 1e9:f1} GB, more than the 2 that a set may have. Scale them down, as with --image-size 64.");
    }

    private static bool IsGrey(byte[] pixels)
    {
        int plane = pixels.Length / 3;
        ReadOnlySpan<byte> red = pixels.AsSpan(0, plane);
        return red.SequenceEqual(pixels.AsSpan(plane, plane)) && red.SequenceEqual(pixels.AsSpan(2 * plane, plane));
    }

    private static LabelledImages Join(string path, ReadOnlySpan<DecodedImage> images, Labelled[] files, int channels, int height, int width)
    {
        RequireRoom(path, images.Length, channels, height, width);
        int each = channels * height * width;
        var pixels = new byte[each * images.Length];
        for (int i = 0; i < images.Length; i++) images[i].Pixels.AsSpan(0, each).CopyTo(pixels.AsSpan(i * each));
        return new LabelledImages(pixels, [.. files.Select(f => f.Label)], channels, height, width);
    }

    private static string Digest(string[] names, LabelledImages train, LabelledImages test)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"image folder, {train.ImageShape}, {names.Length} classes\n{string.Join('\n', names)}\n"));
        foreach (LabelledImages images in (LabelledImages[])[train, test])
        {
            hash.AppendData(images.Pixels);
            var labels = new byte[4 * images.Count];
            for (int i = 0; i < images.Count; i++) BinaryPrimitives.WriteInt32LittleEndian(labels.AsSpan(4 * i), images.Labels[i]);
            hash.AppendData(labels);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}

namespace GpuConv.Net;

/// <summary>A decoded picture.</summary>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Pixels">(3, height, width): red, green and blue, 0..255; a picture in grey has the same number three times.</param>
public sealed record DecodedImage(int Height, int Width, byte[] Pixels);

/// <summary>Decodes a picture file. It is called from several threads at once.</summary>
/// <param name="path">The file.</param>
/// <param name="size">The height and width to scale it to, or null for its own.</param>
/// <returns>The picture, upright.</returns>
/// <exception cref="DataException">The file is no picture that can be read.</exception>
public delegate DecodedImage ImageDecoder(string path, (int Height, int Width)? size);

/// <summary>
/// Pictures in a folder for each class, as torchvision's ImageFolder takes them: DIR/train/CLASS/*.png with DIR/test/CLASS/*.png, or DIR/CLASS/*.png, of which a fixed part is for testing.
/// What it makes of them stands at <see cref="DataSet.Load"/>.
/// </summary>
internal static class ImageFolder
{
    private static readonly string[] Pictures = [".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"];

    // What lies beside pictures and is none; anything else in a class's folder may be a picture that would be missed.
    private static readonly string[] Beside = [".txt", ".csv", ".tsv", ".json", ".xml", ".md", ".rst", ".yaml", ".yml", ".html", ".log", ".db", ".ini"];

    private sealed record ClassFiles(string Name, string[] Files);

    private readonly record struct Labelled(string File, int Label);

    private sealed record Listed(string[] Names, Labelled[] Train, Labelled[] Validation, Labelled[] Test, string? Note);

    /// <summary>Whether there are folders with pictures in a folder, or in one for training.</summary>
    public static bool HasClasses(string folder) => DataFinder.Folders(folder).Any(HasPicture) || (Part(folder, "train", "training") is { } train && DataFinder.Folders(train).Any(HasPicture));

    /// <summary>Reads the folder.</summary>
    public static DataParts Read(string path, DataReading reading, CancellationToken cancellation)
    {
        if (reading.Decode is not { } decode) throw new DataException($"{path} holds pictures, and nothing is given that decodes them.");
        Listed listed = List(path);
        Labelled[] train = [.. listed.Train, .. listed.Validation];
        DecodedImage[] images = Decode(path, [.. train, .. listed.Test], decode, reading.Size, cancellation);
        (int height, int width) = (images[0].Height, images[0].Width);
        int channels = images.AsParallel().All(i => IsGrey(i.Pixels)) ? 1 : 3;
        return new DataParts(DataFinder.NameOf(path), Join(path, images.AsSpan(0, train.Length), train, channels, height, width), path, Join(path, images.AsSpan(train.Length), listed.Test, channels, height, width), path)
        {
            ClassNames = listed.Names,
            ValidationCount = listed.Validation.Length,
            FromPictures = true,
            Notes = listed.Note is null ? [] : [listed.Note],
        };
    }

    private static Listed List(string path)
    {
        string? trainFolder = Part(path, "train", "training");
        if (trainFolder is null || !DataFinder.Folders(trainFolder).Any()) return Divided(Classes(path), null);
        ClassFiles[] train = Classes(trainFolder);
        string[] names = [.. train.Select(c => c.Name)];
        string? testFolder = Part(path, "test", "testing"), validationFolder = Part(path, "val", "valid", "validation");
        if (testFolder is not null && !DataFinder.Folders(testFolder).Any())
        {
            if (!HasPicture(testFolder)) throw new DataException($"{testFolder} holds no folders of classes.");
            if (validationFolder is null) return Divided(train, $"{testFolder} holds pictures without their classes and is left out: {HeldOut.Note}.");
            testFolder = null;
        }
        if (testFolder is null) (testFolder, validationFolder) = (validationFolder, null);
        if (testFolder is null) return Divided(train, $"{path} has no folder for testing: {HeldOut.Note}.");
        return new Listed(names, TakeTurns(train, (_, _) => true), validationFolder is null ? [] : Others(validationFolder), Others(testFolder), null);

        Labelled[] Others(string folder)
        {
            var files = DataFinder.Folders(folder).Select(f => new ClassFiles(Path.GetFileName(f), PicturesIn(f))).ToDictionary(c => c.Name, c => c.Files);
            if (files.Keys.Except(names).Order(StringComparer.Ordinal).FirstOrDefault() is { } unknown)
                throw new DataException($"{Path.Combine(folder, unknown)}: there is no class '{unknown}' to train on in {trainFolder}.");
            return TakeTurns([.. names.Select(n => new ClassFiles(n, files.GetValueOrDefault(n) ?? []))], (_, _) => true);
        }

        Listed Divided(ClassFiles[] all, string? note)
        {
            if (all.FirstOrDefault(c => c.Files.Length < 2) is { } lone)
                throw new DataException($"{Path.GetDirectoryName(lone.Files[0])} holds one image: a class needs at least two, one to train on and one to test on.");
            return new Listed([.. all.Select(c => c.Name)], TakeTurns(all, (i, count) => !HeldOut.IsForTest(i, count)), [], TakeTurns(all, HeldOut.IsForTest), note);
        }
    }

    // The folder of a part of the images, whatever its capitals.
    private static string? Part(string folder, params string[] names) => DataFinder.Folders(folder).FirstOrDefault(f => names.Contains(Path.GetFileName(f), StringComparer.OrdinalIgnoreCase));

    private static ClassFiles[] Classes(string folder)
    {
        ClassFiles[] classes = [.. DataFinder.Folders(folder).Select(f => new ClassFiles(Path.GetFileName(f), PicturesIn(f)))];
        if (classes.Length < 2) throw new DataException($"{folder} holds {(classes.Length == 0 ? "no class" : $"one class, '{classes[0].Name}'")}: it takes a folder of pictures for each of at least two.");
        return classes;
    }

    private static bool HasEnding(string path, string[] endings) => endings.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase);

    private static bool HasPicture(string folder) => Directory.EnumerateFiles(folder).Any(f => HasEnding(f, Pictures) && !DataFinder.IsLeftBehind(f));

    private static string[] PicturesIn(string folder)
    {
        if (DataFinder.Folders(folder).FirstOrDefault() is { } inner) throw new DataException($"{inner} is a folder within a class: pictures lie in {folder} itself.");
        string[] files = [.. Directory.EnumerateFiles(folder).Where(f => !DataFinder.IsLeftBehind(f) && !HasEnding(f, Beside)).OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal)];
        if (Array.Find(files, f => !HasEnding(f, Pictures)) is { } other) throw new DataException($"{other} is no picture by its name ({string.Join(", ", Pictures)}). Take it out of the class's folder, or convert it.");
        return files.Length > 0 ? files : throw new DataException($"{folder} holds no pictures: every class needs some ({string.Join(", ", Pictures)}), or its folder must go.");
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
                return decode(file, size);
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
}

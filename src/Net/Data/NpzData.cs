using System.IO.Compression;

namespace GpuConv.Net;

/// <summary>
/// A data set in one NumPy archive: Keras's names (x_train, y_train, x_test, y_test) or MedMNIST's (train_images, train_labels, val_images, …). Images are unsigned bytes, (image, row,
/// column), with one or three channels behind or before these, or as rows of a square; labels are integers, one each.
/// </summary>
internal static class NpzData
{
    public static DataParts Read(string path)
    {
        try
        {
            using ZipArchive archive = ZipFile.OpenRead(path);
            var entries = new Dictionary<string, ZipArchiveEntry>(StringComparer.OrdinalIgnoreCase);
            foreach (ZipArchiveEntry entry in archive.Entries) entries[Path.GetFileNameWithoutExtension(entry.FullName)] = entry;
            LabelledImages train = Part(path, entries, "train") ?? throw new DataException($"{path} has no training images: expected x_train and y_train, or train_images and train_labels. Found: {string.Join(", ", entries.Keys.Take(8))}.");
            LabelledImages? validation = Part(path, entries, "val"), test = Part(path, entries, "test");
            if (test is null) (test, validation) = (validation, null);
            if (validation is not null && validation.ImageShape != train.ImageShape) throw new DataException($"{path}: images for validation are {validation.ImageShape}, those for training {train.ImageShape}.");
            return new DataParts(Path.GetFileNameWithoutExtension(path), train.Followed(validation), path, test, path) { ValidationCount = validation?.Count ?? 0 };
        }
        catch (Exception e) when (e is InvalidDataException or ModelFileException)
        {
            throw new DataException(e is ModelFileException ? e.Message : $"{path} is damaged: it is no archive that NumPy wrote. Copy or download it again.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static LabelledImages? Part(string path, Dictionary<string, ZipArchiveEntry> entries, string part)
    {
        if (!entries.TryGetValue($"x_{part}", out ZipArchiveEntry? images) && !entries.TryGetValue($"{part}_images", out images)) return null;
        if (!entries.TryGetValue($"y_{part}", out ZipArchiveEntry? labels) && !entries.TryGetValue($"{part}_labels", out labels))
            throw new DataException($"{path} has {images.Name} but no labels for it: y_{part} or {part}_labels.");
        LabelledImages unlabelled = Images(Bytes(path, images), $"{path}: {images.Name}");
        int[] classes = Labels(Bytes(path, labels), $"{path}: {labels.Name}");
        return unlabelled.Pixels.Length == classes.Length * unlabelled.ImageSize ? unlabelled with { Labels = classes }
            : throw new DataException($"{path}: {images.Name} has {unlabelled.Pixels.Length / unlabelled.ImageSize} images and {labels.Name} {classes.Length} labels: they do not belong together.");
    }

    private static byte[] Bytes(string path, ZipArchiveEntry entry)
    {
        if (entry.Length > Math.Min(Array.MaxLength, (entry.CompressedLength + 1) * Idx.MostPerCompressedByte)) throw new DataException($"{path}: {entry.Name} says that it has {entry.Length} bytes, more than can be. The file is damaged.");
        var bytes = new byte[entry.Length];
        using Stream stream = entry.Open();
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static LabelledImages Images(byte[] file, string name)
    {
        (string type, int[] shape, int start) = NpyReader.Header(file, name);
        if (type != "|u1") throw new DataException($"{name} holds elements of type '{type}': images are unsigned bytes, 0 to 255 (numpy.uint8).");
        (int channels, int height, int width, bool channelsLast) = shape switch
        {
            [_, var h, var w] => (1, h, w, false),
            [_, var h, var w, 1 or 3] => (shape[3], h, w, true),
            [_, 1 or 3, var h, var w] => (shape[1], h, w, false),
            [_, var pixels] when Math.Sqrt(pixels) is var side && side == (int)side => (1, (int)side, (int)side, false),
            _ => throw new DataException($"{name} is [{string.Join(", ", shape)}]: expected (images, rows, columns), with 1 or 3 channels or without."),
        };
        if (shape[0] < 1 || height is < 1 or > Idx.LargestSide || width is < 1 or > Idx.LargestSide) throw new DataException($"{name} is [{string.Join(", ", shape)}]: there are no images of that size.");
        byte[] pixelsOf = file[start..];
        if (channelsLast && channels > 1) pixelsOf = ChannelsFirst(pixelsOf, channels, height * width);
        return new LabelledImages(pixelsOf, [], channels, height, width);
    }

    private static byte[] ChannelsFirst(byte[] pixels, int channels, int plane)
    {
        var turned = new byte[pixels.Length];
        for (int i = 0; i < pixels.Length; i++)
        {
            int image = i / (plane * channels), place = i / channels % plane, channel = i % channels;
            turned[(image * channels + channel) * plane + place] = pixels[i];
        }
        return turned;
    }

    private static int[] Labels(byte[] file, string name)
    {
        (_, int[] shape, _) = NpyReader.Header(file, name);
        if (shape is not ([_] or [_, 1])) throw new DataException($"{name} is [{string.Join(", ", shape)}]: one label for each image is expected.");
        long[] labels = NpyReader.Parse(file, name).Integers;
        if (labels.Length != shape[0]) throw new DataException($"{name} holds no integers: labels are numbers of classes.");
        return Array.ConvertAll(labels, l => (int)Math.Clamp(l, int.MinValue, int.MaxValue));
    }
}

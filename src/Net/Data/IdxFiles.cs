using System.Text.RegularExpressions;

namespace GpuConv.Net;

/// <summary>The four files of a data set and the name it goes by.</summary>
internal sealed partial record IdxFiles(string Name, string TrainImages, string TrainLabels, string TestImages, string TestLabels)
{
    private static readonly string[] Roles = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

    /// <summary>Whether a folder has such files, or some of them, whose names start with a prefix.</summary>
    public static bool AreIn(string folder, string prefix = "") => Sets(folder, prefix).Count > 0;

    /// <summary>Finds the one complete set of files in a folder whose names start with a prefix.</summary>
    /// <exception cref="DataException">There are none, or several.</exception>
    public static IdxFiles Find(string folder, string prefix = "")
    {
        SortedDictionary<string, string?[]> sets = Sets(folder, prefix);
        string[] complete = [.. sets.Where(set => !set.Value.Contains(null)).Select(set => set.Key)];
        if (complete.Length == 1) return Named(folder, complete[0], sets[complete[0]]!);
        // data/emnist and data/emnist-letters: a name that is given exactly is meant, although it also starts others.
        if (complete.FirstOrDefault(key => prefix.Length > 0 && key.TrimEnd('-', '_', '.') == prefix.TrimEnd('-', '_', '.')) is { } exact) return Named(folder, exact, sets[exact]!);
        if (complete.Length > 1)
        {
            string names = string.Join(", ", complete.Select(key => Path.Combine(folder, key.Length == 0 ? "train" : key.TrimEnd('-', '_', '.'))));
            throw new DataException($"{folder} holds several data sets. Name one: {names}.");
        }
        throw new DataException(Incomplete(folder, sets));
    }

    /// <summary>Reads the files.</summary>
    /// <exception cref="DataException">One is damaged, or they do not belong together.</exception>
    public DataParts Read()
    {
        // The training images are most of the bytes: they are decompressed while another thread reads the rest.
        Task<(int[] TrainLabels, LabelledImages Test)> rest = Task.Run(() =>
        {
            int[] trainLabels = Idx.ReadLabels(TrainLabels);
            return (trainLabels, Join(Idx.ReadImages(TestImages), Idx.ReadLabels(TestLabels), TestImages, TestLabels));
        });
        Idx images;
        try
        {
            images = Idx.ReadImages(TrainImages);
        }
        catch
        {
            rest.ContinueWith(static t => t.Exception, TaskScheduler.Default); // the training images' message is the one to show
            throw;
        }
        (int[] labels, LabelledImages test) = rest.GetAwaiter().GetResult();
        return new DataParts(Name, Join(images, labels, TrainImages, TrainLabels), TrainImages, test, TestImages);
    }

    private static LabelledImages Join(Idx images, int[] labels, string imagesName, string labelsName)
    {
        if (images.Dimensions[0] != labels.Length)
            throw new DataException($"{imagesName} has {images.Dimensions[0]} images (offset 4) and {labelsName} {labels.Length} labels (offset 4): they do not belong together.");
        return new LabelledImages(images.Bytes, labels, 1, images.Dimensions[1], images.Dimensions[2]);
    }

    private static IdxFiles Named(string folder, string prefix, string[] files)
    {
        string name = prefix.TrimEnd('-', '_', '.');
        return new IdxFiles(name.Length > 0 ? name : DataFinder.NameOf(folder), files[0], files[1], files[2], files[3]);
    }

    /// <summary>The sets of a folder by their prefix; a file that is absent is null.</summary>
    private static SortedDictionary<string, string?[]> Sets(string folder, string prefix)
    {
        var sets = new SortedDictionary<string, string?[]>(StringComparer.Ordinal);
        // In ordinal order 'x' comes before 'x.gz', so that where both are there the raw file is taken.
        foreach (string path in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
        {
            Match match = FileName().Match(Path.GetFileName(path));
            if (!match.Success || !match.Value.StartsWith(prefix, StringComparison.Ordinal)) continue;
            string split = match.Groups["split"].Value.Equals("train", StringComparison.OrdinalIgnoreCase) ? "train" : "t10k";
            string role = $"{split}-{match.Groups["kind"].Value.ToLowerInvariant()}";
            string key = match.Groups["prefix"].Value;
            if (!sets.TryGetValue(key, out string?[]? files)) sets[key] = files = new string?[Roles.Length];
            files[Array.IndexOf(Roles, role)] ??= path;
        }
        return sets;
    }

    private static string Incomplete(string folder, SortedDictionary<string, string?[]> sets)
    {
        IEnumerable<string> lines = sets.Select(set =>
        {
            string found = string.Join(", ", set.Value.OfType<string>().Select(file => Path.GetFileName(file)));
            string missing = string.Join(", ", Roles.Where((_, i) => set.Value[i] is null).Select(role => set.Key + role));
            return $"found {found}; missing {missing}";
        });
        return $"{folder} holds no complete data set: {string.Join(". Also ", lines)}.";
    }

    /// <summary>train-images-idx3-ubyte and its kin: any prefix, capitals, '.' or '-' before idx, 't10k' or (EMNIST, QMNIST) 'test', QMNIST's idx2-int, raw or .gz.</summary>
    [GeneratedRegex(@"^(?<prefix>.*?)(?<split>train|t10k|test)-(?:(?<kind>images)[-.]idx3-ubyte|(?<kind>labels)[-.](?:idx1-ubyte|idx2-int))(?:\.gz)?$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex FileName();
}

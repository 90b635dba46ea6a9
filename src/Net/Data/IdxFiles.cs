using System.Text.RegularExpressions;

namespace GpuConv.Net;

/// <summary>The four files of a data set and the name it goes by.</summary>
internal sealed partial record IdxFiles(string Name, string TrainImages, string TrainLabels, string TestImages, string TestLabels)
{
    /// <summary>Training images, training labels, test images, test labels.</summary>
    public string[] All => [TrainImages, TrainLabels, TestImages, TestLabels];

    private static readonly string[] Roles = ["train-images", "train-labels", "t10k-images", "t10k-labels"];

    /// <summary>
    /// Finds the one complete set of files in a folder, or, given the folder and a prefix, the set whose names start with the prefix.
    /// </summary>
    public static IdxFiles Find(string folderOrPrefix)
    {
        string folder = folderOrPrefix, prefix = "";
        if (!Directory.Exists(folder))
        {
            if (File.Exists(folder))
                throw new DataException($"{folder} is a file. Name the folder that holds the four IDX files.");
            prefix = Path.GetFileName(folder);
            folder = Path.GetDirectoryName(folder) is { Length: > 0 } parent ? parent : ".";
            if (prefix.Length == 0 || !Directory.Exists(folder) || Sets(folder, prefix).Count == 0)
                throw new DataException($"There is no data set or folder '{folderOrPrefix}'. Give 'mnist' (embedded) or a folder with {Expected}, or with a folder of PNG or JPEG files for each class.");
        }

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

    private const string Expected = "{train,t10k}-{images-idx3,labels-idx1}-ubyte, each raw or .gz";

    private static IdxFiles Named(string folder, string prefix, string[] files)
    {
        string name = prefix.TrimEnd('-', '_', '.');
        if (name.Length == 0) name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        return new IdxFiles(name, files[0], files[1], files[2], files[3]);
    }

    /// <summary>The sets of a folder by their prefix; a file that is absent is null.</summary>
    private static SortedDictionary<string, string?[]> Sets(string folder, string prefix)
    {
        var sets = new SortedDictionary<string, string?[]>(StringComparer.Ordinal);
        // In ordinal order 'x' comes before 'x.gz', so that where both are there the raw file is taken.
        foreach (string path in Files(folder).Order(StringComparer.Ordinal))
        {
            Match match = FileName().Match(Path.GetFileName(path));
            if (!match.Success || !match.Value.StartsWith(prefix, StringComparison.Ordinal)) continue;
            string split = match.Groups["split"].Value == "train" ? "train" : "t10k";
            string role = $"{split}-{match.Groups["kind"].Value}";
            string key = match.Groups["prefix"].Value;
            if (!sets.TryGetValue(key, out string?[]? files)) sets[key] = files = new string?[Roles.Length];
            files[Array.IndexOf(Roles, role)] ??= path;
        }
        return sets;
    }

    private static string[] Files(string folder)
    {
        try
        {
            return Directory.GetFiles(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{folder} cannot be read: {e.Message}", e);
        }
    }

    private static string Incomplete(string folder, SortedDictionary<string, string?[]> sets)
    {
        if (sets.Count == 0)
        {
            string[] found = [.. Files(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];
            string listed = found.Length == 0 ? "The folder holds no files" : $"Found: {string.Join(", ", found.Take(8))}{(found.Length > 8 ? $" and {found.Length - 8} more" : "")}";
            return $"{folder} holds no IDX files: expected {Expected}, or a folder of PNG or JPEG files for each class. {listed}.";
        }
        IEnumerable<string> lines = sets.Select(set =>
        {
            string found = string.Join(", ", set.Value.OfType<string>().Select(file => Path.GetFileName(file)));
            string missing = string.Join(", ", Roles.Where((_, i) => set.Value[i] is null).Select(role => set.Key + role));
            return $"found {found}; missing {missing}";
        });
        return $"{folder} holds no complete data set: {string.Join(". Also ", lines)}.";
    }

    /// <summary>train-images-idx3-ubyte and its kin: any prefix, '.' or '-' before idx, 't10k' or (EMNIST) 'test', raw or .gz.</summary>
    [GeneratedRegex(@"^(?<prefix>.*?)(?<split>train|t10k|test)-(?:(?<kind>images)[-.]idx3|(?<kind>labels)[-.]idx1)-ubyte(?:\.gz)?$", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}

namespace GpuConv.Net;

/// <summary>A source of data that was found: where, and how it is read.</summary>
/// <param name="Path">The folder or file.</param>
/// <param name="Read">Reads it.</param>
internal sealed record FoundData(string Path, Func<DataReading, CancellationToken, DataParts> Read);

/// <summary>Finds what kind of data lies at a path: in the folder itself, or in the only folder within it that has any (an archive's own folder, torchvision's MNIST/raw).</summary>
internal static class DataFinder
{
    /// <summary>What is expected, in words.</summary>
    public const string Expected = "{train,t10k}-{images-idx3,labels-idx1}-ubyte (raw or .gz), a folder of pictures for each class, an .npz or a .csv file";

    // torchvision's root, its MNIST, its raw; and as deep for what people unpack.
    private const int Deepest = 3, MostFolders = 200, MostListed = 8;

    /// <summary>The data at a path.</summary>
    /// <exception cref="DataException">There are none, or several.</exception>
    public static FoundData Find(string path)
    {
        try
        {
            return Directory.Exists(path) ? InFolder(path) : File.Exists(path) ? InFile(path) : ByPrefix(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static FoundData InFolder(string folder)
    {
        FoundData[] found = Within(folder, Deepest);
        return found.Length switch
        {
            1 => found[0],
            0 => throw new DataException($"{folder} holds no data: expected {Expected}. {Listed(folder)}."),
            _ => throw new DataException($"{folder} holds several data sets. Name one: {string.Join(", ", found.Take(MostListed).Select(f => f.Path))}{(found.Length > MostListed ? ", …" : "")}."),
        };
    }

    private static FoundData[] Within(string folder, int depth)
    {
        if (IdxFiles.AreIn(folder)) return [new FoundData(folder, (_, _) => IdxFiles.Find(folder).Read())];
        if (ImageFolder.HasClasses(folder)) return [new FoundData(folder, (reading, cancellation) => ImageFolder.Read(folder, reading, cancellation))];
        string[] archives = FilesOf(folder, ".npz");
        if (archives.Length > 0) return [.. archives.Select(f => new FoundData(f, (_, _) => NpzData.Read(f)))];
        string[] tables = CsvData.TrainingFiles(FilesOf(folder, ".csv"));
        if (tables.Length > 0) return [.. tables.Select(f => new FoundData(f, (_, _) => CsvData.Read(f)))];
        if (depth == 0) return [];
        // torchvision once kept what it had made of the raw files beside them.
        IEnumerable<string> inner = Folders(folder);
        if (inner.FirstOrDefault(f => Path.GetFileName(f) == "raw") is { } raw) inner = [raw];
        return [.. inner.Take(MostFolders).SelectMany(f => Within(f, depth - 1))];
    }

    private static FoundData InFile(string file)
    {
        if (HasEnding(file, ".npz") || FileKind.OfFile(file) == FileKind.NumPyArchive) return new FoundData(file, (_, _) => NpzData.Read(file));
        if (HasEnding(file, ".csv")) return new FoundData(file, (_, _) => CsvData.Read(file));
        string what = FileKind.OfFile(file) is { } kind ? $"{file} is {kind}." : $"{file} is a file.";
        throw new DataException($"{what} Name a folder or file of data: {Expected}.");
    }

    private static FoundData ByPrefix(string path)
    {
        string prefix = Path.GetFileName(path), folder = Path.GetDirectoryName(path) is { Length: > 0 } parent ? parent : ".";
        return prefix.Length > 0 && Directory.Exists(folder) && IdxFiles.AreIn(folder, prefix) ? new FoundData(path, (_, _) => IdxFiles.Find(folder, prefix).Read())
            : throw new DataException($"There is no data set or folder '{path}'. Give 'mnist' (embedded), or {Expected}.");
    }

    /// <summary>The folders in a folder, in ordinal order, without what file browsers and archivers leave behind.</summary>
    public static IEnumerable<string> Folders(string folder) =>
        Directory.EnumerateDirectories(folder).Where(f => !IsLeftBehind(f)).OrderBy(f => Path.GetFileName(f), StringComparer.Ordinal);

    /// <summary>Whether a file or folder is what file browsers and archivers leave behind.</summary>
    public static bool IsLeftBehind(string path)
    {
        string name = Path.GetFileName(path);
        return name.StartsWith('.') || name == "__MACOSX" || name.Equals("Thumbs.db", StringComparison.OrdinalIgnoreCase) || name.Equals("desktop.ini", StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>What a folder or file of data is called.</summary>
    public static string NameOf(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));

    private static string[] FilesOf(string folder, string ending) => [.. Directory.EnumerateFiles(folder).Where(f => HasEnding(f, ending) && !IsLeftBehind(f)).Order(StringComparer.Ordinal)];

    private static bool HasEnding(string file, string ending) => file.EndsWith(ending, StringComparison.OrdinalIgnoreCase);

    private static string Listed(string folder)
    {
        string[] found = [.. Folders(folder).Select(f => Path.GetFileName(f) + "/"), .. Directory.EnumerateFiles(folder).Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];
        return found.Length == 0 ? "It is empty" : $"Found: {string.Join(", ", found.Take(MostListed))}{(found.Length > MostListed ? $" and {found.Length - MostListed} more" : "")}";
    }
}

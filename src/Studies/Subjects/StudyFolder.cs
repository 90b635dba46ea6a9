namespace GpuConv.Studies;

/// <summary>The folder of a study's results.</summary>
internal static class StudyFolder
{
    /// <summary>Makes the folder; without a name, the first of runs/NAME-1, runs/NAME-2, … that does not exist.</summary>
    /// <exception cref="RequestException">There is a file of that name.</exception>
    public static string Create(string? path, string study)
    {
        path ??= NextName(study);
        RequireNoFile(path);
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>The first of runs/NAME-1, runs/NAME-2, … that does not exist.</summary>
    public static string NextName(string study)
    {
        int number = 1;
        string name;
        while (Directory.Exists(name = Path.Combine("runs", $"{study}-{number}"))) number++;
        return name;
    }

    /// <summary>Refuses the name of a file.</summary>
    /// <exception cref="RequestException">It is one.</exception>
    public static void RequireNoFile(string path)
    {
        if (File.Exists(path)) throw new RequestException($"--out {path}: there is a file of that name.");
    }

    /// <summary>A file's name for an image: its own without folder, ending and what file systems do not take, after its number, so that no two are the same.</summary>
    public static string FileName(string image, int number) =>
        $"{number:d2}-{FileName(Path.GetFileNameWithoutExtension(image))}";

    /// <summary>A name without what file systems do not take.</summary>
    public static string FileName(string name) => new([.. name.Select(c => char.IsLetterOrDigit(c) ? c : '-')]);
}

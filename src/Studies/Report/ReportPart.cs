namespace GpuConv.Studies;

/// <summary>A part of a report: a command of the program with its options, that writes into a folder of its own.</summary>
/// <param name="Name">The folder's name.</param>
/// <param name="Arguments">The command and its options, but for those that all parts share. Models are named from the report's folder on.</param>
/// <param name="Seconds">How long it takes about, beside the others: for the time left.</param>
internal sealed record ReportPart(string Name, string[] Arguments, double Seconds)
{
    /// <summary>What a training calls the weights that studies look at.</summary>
    private const string Best = "best.safetensors";

    /// <summary>The command's name.</summary>
    public string Command => Arguments[0];

    /// <summary>What a user would type.</summary>
    public string CommandLine => "gpuconv " + string.Join(' ', Arguments);

    /// <summary>The models that it looks at.</summary>
    public IEnumerable<string> Models => Arguments.Where(IsModel);

    /// <summary>The model of a training that is a part.</summary>
    public static string ModelOf(string training) => $"{training}/{Best}";

    /// <summary>The arguments with the models' files where they are.</summary>
    public IEnumerable<string> ArgumentsIn(string folder) => Arguments.Select(a => IsModel(a) ? Path.Combine(folder, a) : a);

    private static bool IsModel(string argument) => argument.EndsWith("/" + Best, StringComparison.Ordinal);
}

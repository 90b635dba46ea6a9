using System.CommandLine;
using System.Globalization;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A network of the user's own, as <see cref="NetworkText"/> reads it, and how its images are normalised where a model's file does not say.</summary>
internal static class NetworkInput
{
    public static readonly Option<string> Network = new("--network")
    {
        Description = "A network of your own: a file, or the text itself, with a line for each layer as 'gpuconv summary' prints them; for a file of weights that does not say what its network is, too",
    };

    public static readonly Option<string> Normalise = new("--normalise")
    {
        Description = "For a file of weights that does not say: the mean and deviation of pixel/255 that its images were normalised by, as 0.1307,0.3081; without it those of --data",
    };

    public static readonly Option<bool> ExternalData = new("--external-data") { Description = "Read the weights that an ONNX file keeps in other files in its folder; without it they are refused" };

    public static readonly Option<bool> AllowExtra = new("--allow-extra") { Description = "Leave out what a file of weights has beside those of the network; without it such a file is refused" };

    /// <summary>The text; null where none is given.</summary>
    /// <exception cref="RequestException">The file cannot be read, or there is none and the value is no network's text either.</exception>
    public static string? TextOf(ParseResult parsed)
    {
        if (parsed.GetValue(Network) is not { } given) return null;
        if (Directory.Exists(given)) throw new RequestException($"--network {given} is a folder, not a text.");
        // A file's name is one word; a network's text is more than one.
        if (!File.Exists(given)) return given.Any(char.IsWhiteSpace) || given.Contains(';') ? given : throw new RequestException($"--network {given}: there is no such file. As a text it needs a line for each layer, as \"flatten; linear 10; logsoftmax\".");
        try
        {
            if (new FileInfo(given).Length > 1 << 20) throw new RequestException($"--network {given}: a network's text has at most a mebibyte.");
            // As UTF-8, or as what its byte order mark says.
            string text = File.ReadAllText(given);
            return !text.Contains('\0') ? text : throw new RequestException($"--network {given} {NotText(text)}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new RequestException($"--network {given} cannot be read: {e.Message}");
        }
    }

    // Letters of the alphabet have a zero before or behind them in UTF-16.
    private static string NotText(string text) =>
        text.Count(c => c == '\0') >= text.Length / 3 ? "looks like UTF-16 without a byte order mark: save it as UTF-8." : "holds NUL characters: it is no text.";

    /// <summary>The network; null where none is given.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="input">The shape of the images at hand, for a text that does not start with one.</param>
    /// <exception cref="RequestException">The text is wrong, with line and column.</exception>
    public static Network? Of(ParseResult parsed, Shape input) => TextOf(parsed) is { } text ? Parse(text, input, NameOf(parsed)) : null;

    /// <summary>Reads a network's text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="input">The shape of the images at hand, for a text that does not start with one.</param>
    /// <param name="name">Where the text came from, for messages.</param>
    /// <exception cref="RequestException">The text is wrong, with line and column.</exception>
    public static Network Parse(string text, Shape input, string name)
    {
        try
        {
            return NetworkText.Parse(text, input);
        }
        catch (NetworkException e)
        {
            throw new RequestException($"{name}: {e.Message}");
        }
    }

    /// <summary>The option with its file, if that is what it names: for messages.</summary>
    public static string NameOf(ParseResult parsed) => File.Exists(parsed.GetValue(Network)) ? $"--network {parsed.GetValue(Network)}" : "--network";

    /// <summary>Mean and deviation; null where none are given.</summary>
    /// <exception cref="RequestException">They are not two numbers, or the deviation is not positive.</exception>
    public static (float Mean, float Deviation)? NormalisationOf(ParseResult parsed)
    {
        if (parsed.GetValue(Normalise) is not { } text) return null;
        return NumberText.List(text, float.MinValue, float.MaxValue) is [var mean, > 0 and var deviation]
            ? (mean, deviation)
            : throw new RequestException($"--normalise {text}: the mean and the deviation, with a comma between them, as 0.1307,0.3081.");
    }
}

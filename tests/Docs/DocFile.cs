using System.Text.RegularExpressions;

namespace GpuConv.Tests;

/// <summary>A fenced block of a document.</summary>
/// <param name="Line">The line of its first line of code, from 1.</param>
/// <param name="Language">The word after the fence.</param>
/// <param name="Text">Its lines.</param>
/// <param name="Markers">What the comments before it say, each without <c>&lt;!-- test:</c>.</param>
internal sealed record DocBlock(int Line, string Language, string Text, IReadOnlyList<string> Markers);

/// <summary>
/// A Markdown document as the tests see it: code, links, and what is said about them in comments, <c>&lt;!-- test: … --&gt;</c>, on lines of their own
/// before a block:
/// <list type="bullet">
/// <item><c>skip, REASON</c>: the block is not run.</item>
/// <item><c>append COMMAND OPTIONS</c>: the block's runs of that command get these options too.</item>
/// <item><c>replace A => B</c>: in the block's text.</item>
/// <item><c>pictures FOLDER</c>: before the block a folder of pictures, with two classes, is made, and a picture photo.jpg.</item>
/// <item>none, for a block without a language that begins with <c>input</c>: it is a network's text.</item>
/// <item><c>part</c>: C# that declares types, for all later blocks of the document; it may use what is internal, and its facts and theories are run.</item>
/// </list>
/// </summary>
internal sealed partial record DocFile(string Path, IReadOnlyList<DocBlock> Blocks, IReadOnlyList<(int Line, string Text)> InlineCode, IReadOnlyList<(int Line, string Target)> Links, IReadOnlyList<string> Headings, IReadOnlyList<string> Problems)
{
    /// <summary>Reads a document.</summary>
    /// <param name="path">Its name, for messages.</param>
    /// <param name="text">The document.</param>
    public static DocFile Parse(string path, string text)
    {
        var blocks = new List<DocBlock>();
        var inline = new List<(int, string)>();
        var links = new List<(int, string)>();
        var headings = new List<string>();
        var problems = new List<string>();
        var markers = new List<string>();
        string[] lines = text.ReplaceLineEndings("\n").Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            Match fence = Fence().Match(lines[i]);
            if (fence.Success)
            {
                string indent = fence.Groups["indent"].Value, end = fence.Groups["fence"].Value;
                int first = ++i;
                while (i < lines.Length && lines[i].Trim() != end) i++;
                if (i == lines.Length) problems.Add($"{path}:{first}: a block without an end.");
                blocks.Add(new DocBlock(first + 1, fence.Groups["language"].Value, string.Join('\n', lines[first..i].Select(l => l.StartsWith(indent, StringComparison.Ordinal) ? l[indent.Length..] : l)), [.. markers]));
                markers.Clear();
                continue;
            }
            Match marker = Marker().Match(lines[i]);
            if (marker.Success)
            {
                markers.Add(marker.Groups["text"].Value.Trim());
                continue;
            }
            if (lines[i].Contains("<!-- test", StringComparison.Ordinal)) problems.Add($"{path}:{i + 1}: a marker stands on a line of its own, as <!-- test: skip, REASON -->.");
            if (markers.Count > 0 && lines[i].Trim().Length > 0)
            {
                problems.Add($"{path}:{i + 1}: a marker with no block after it: {markers[0]}");
                markers.Clear();
            }
            if (lines[i].StartsWith('#')) headings.Add(lines[i].TrimStart('#').Trim());
            string prose = lines[i];
            foreach (Match code in Code().Matches(prose)) inline.Add((i + 1, code.Groups["text"].Value.Trim()));
            foreach (Match link in Link().Matches(Code().Replace(prose, "x"))) links.Add((i + 1, link.Groups["target"].Value));
        }
        if (markers.Count > 0) problems.Add($"{path}: a marker with no block after it: {markers[0]}");
        return new DocFile(path, blocks, inline, links, headings, problems);
    }

    /// <summary>A heading's anchor, as GitHub makes it.</summary>
    public static string Anchor(string heading) =>
        new([.. Link().Replace(heading, m => m.Groups["text"].Value).ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_').Select(c => c == ' ' ? '-' : c)]);

    [GeneratedRegex("^(?<indent> *)(?<fence>`{3,})(?<language>[A-Za-z#+-]*)\\s*$")]
    private static partial Regex Fence();

    [GeneratedRegex("^\\s*<!-- test:(?<text>.*)-->\\s*$")]
    private static partial Regex Marker();

    [GeneratedRegex("(?<ticks>`+)(?<text>.+?)(?<!`)\\k<ticks>(?!`)")]
    private static partial Regex Code();

    [GeneratedRegex(@"\[(?<text>[^\[\]]*)\]\((?<target>[^()\s]+)\)")]
    private static partial Regex Link();
}

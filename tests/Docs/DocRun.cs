using System.CommandLine;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>Runs a document's blocks one after the other, in the working directory, and checks the commands in its text.</summary>
internal static class DocRun
{
    private static readonly string[] ThisProgram = ["dotnet", "run", "-c", "Release", "--project", "src/Studies", "--"];

    /// <summary>The command that would run this test: the only one that needs no marker to be left out.</summary>
    private static readonly string[] TestCommand = ["dotnet", "test"];

    /// <summary>What runs a document: all its blocks in order.</summary>
    /// <param name="doc">The document.</param>
    /// <exception cref="DocException">One fails, or says nothing that can be run.</exception>
    public static void Blocks(DocFile doc)
    {
        if (doc.Problems.Count > 0) throw new DocException(doc.Path, 0, string.Join(" ", doc.Problems));
        DocBlock[] blocks = [.. doc.Blocks.Where(b => !IsSkipped(doc, b)).Select(b => Replaced(doc, b))];
        DocBlock[] code = [.. blocks.Where(b => b.Language == "csharp")];
        DocCode? compiled = code.Length > 0 ? DocCode.Compile(doc, code) : null;

        foreach (DocBlock block in blocks)
        {
            foreach (string marker in block.Markers.Where(m => m.StartsWith(Pictures, StringComparison.Ordinal))) WritePictures(marker[Pictures.Length..]);
            if (block.Language == "csharp") Quietly(() => compiled!.Run(doc, block));
            else if (block.Language == "sh") Shell(doc, block);
            else if (block.Language.Length == 0 && block.Text.StartsWith("input ", StringComparison.Ordinal)) ReadNetwork(doc, block);
            else throw new DocException(doc.Path, block.Line, $"a block of '{block.Language}' that no test knows how to run. Mark it: <!-- test: skip, REASON -->");
        }
    }

    /// <summary>Commands within the text: code that begins with a command's name and has options must be one that the program takes.</summary>
    /// <exception cref="DocException">It is not.</exception>
    public static void InlineCommands(DocFile doc)
    {
        RootCommand root = GpuConvCommand.Create();
        foreach ((int line, string text) in doc.InlineCode)
        {
            string[] words = Words(text);
            if (words.Length > 0 && words[0] == "gpuconv") words = words[1..];
            else if (StartsWith(words, ThisProgram)) words = words[ThisProgram.Length..];
            if (words.Length < 2 || !root.Subcommands.Any(c => c.Name == words[0]) || !words.Any(w => w.StartsWith("--", StringComparison.Ordinal))) continue;
            ParseResult parsed = root.Parse(words);
            if (parsed.Errors.Count > 0) throw new DocException(doc.Path, line, $"`{text}` is not what the program takes: {parsed.Errors[0].Message}");
        }
    }

    /// <summary>Links to files and headings of this repository.</summary>
    /// <exception cref="DocException">One leads nowhere.</exception>
    public static void Links(DocFile doc, string root)
    {
        foreach ((int line, string target) in doc.Links)
        {
            if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal)) continue;
            string[] parts = target.Split('#', 2);
            string file = parts[0].Length == 0 ? Path.Combine(root, doc.Path) : Path.GetFullPath(Path.Combine(root, Path.GetDirectoryName(doc.Path)!, parts[0]));
            if (!Path.Exists(file)) throw new DocException(doc.Path, line, $"the link {target} leads nowhere.");
            if (parts.Length == 1 || !file.EndsWith(".md", StringComparison.Ordinal)) continue;
            DocFile linked = DocFile.Parse(parts[0], File.ReadAllText(file));
            if (!linked.Headings.Select(DocFile.Anchor).Contains(parts[1])) throw new DocException(doc.Path, line, $"the link {target}: there is no such heading.");
        }
    }

    private const string Pictures = "pictures ";

    // A set of two classes, and a picture beside it.
    private static void WritePictures(string folder)
    {
        PictureFolder.Write(folder, ["daisy", "tulip"], 10, 20, colour: true);
        File.Copy(Path.Combine(folder, "tulip", "0000.png"), "photo.jpg");
    }

    // A network as text.
    private static void ReadNetwork(DocFile doc, DocBlock block)
    {
        try
        {
            NetworkText.Parse(block.Text);
        }
        catch (NetworkException e)
        {
            throw new DocException(doc.Path, block.Line, $"is no network. {e.Message}", e);
        }
    }

    private static bool IsSkipped(DocFile doc, DocBlock block)
    {
        if (block.Markers.FirstOrDefault(m => m.StartsWith("skip", StringComparison.Ordinal)) is not { } skip) return false;
        return skip.StartsWith("skip, ", StringComparison.Ordinal) && skip.Length > 10 ? true : throw new DocException(doc.Path, block.Line, "a block is left out for a reason: <!-- test: skip, REASON -->");
    }

    private static DocBlock Replaced(DocFile doc, DocBlock block)
    {
        string text = block.Text;
        foreach (string marker in block.Markers)
        {
            if (marker == "part" || marker.StartsWith("append ", StringComparison.Ordinal) || marker.StartsWith(Pictures, StringComparison.Ordinal)) continue;
            string[] sides = marker.StartsWith("replace ", StringComparison.Ordinal) ? marker["replace ".Length..].Split(" => ", 2) : [];
            if (sides.Length != 2) throw new DocException(doc.Path, block.Line, $"there is no marker '{marker}'; known are skip, append, replace, pictures, part.");
            if (!text.Contains(sides[0], StringComparison.Ordinal)) throw new DocException(doc.Path, block.Line, $"'{sides[0]}' is to be replaced, but is not in the block.");
            text = text.Replace(sides[0], sides[1], StringComparison.Ordinal);
        }
        return block with { Text = text };
    }

    private static void Shell(DocFile doc, DocBlock block)
    {
        string[] lines = block.Text.Split('\n');
        var appended = block.Markers.Where(m => m.StartsWith("append ", StringComparison.Ordinal)).Select(m => Words(m["append ".Length..])).ToList();
        for (int i = 0; i < lines.Length; i++)
        {
            int line = block.Line + i;
            string text = lines[i];
            while (text.EndsWith('\\') && i + 1 < lines.Length) text = text[..^1] + lines[++i];
            string[] words = Words(text);
            if (words.Length == 0 || StartsWith(words, TestCommand)) continue;
            string[]? arguments = words[0] == "gpuconv" ? words[1..] : StartsWith(words, ThisProgram) ? words[ThisProgram.Length..] : null;
            if (arguments is null) throw new DocException(doc.Path, line, $"no test knows how to run '{text.Trim()}'. Mark the block: <!-- test: skip, REASON -->");
            Run(doc, line, [.. arguments, .. appended.Where(a => a[0] == arguments[0]).SelectMany(a => a[1..])]);
        }
    }

    private static void Run(DocFile doc, int line, string[] arguments)
    {
        (int code, _, string error) = GpuConvProgram.Run(arguments);
        if (code != Invocation.Done) throw new DocException(doc.Path, line, $"'gpuconv {string.Join(' ', arguments)}' ends with {code}: {error.Trim()}");
    }

    private static void Quietly(Action action) => CapturedConsole.Run(() =>
    {
        action();
        return 0;
    });

    private static bool StartsWith(string[] words, string[] start) => words.Length >= start.Length && words.AsSpan(0, start.Length).SequenceEqual(start);

    /// <summary>The words of a command as a shell splits them: quotes hold together, what follows a # is a comment.</summary>
    private static string[] Words(string command)
    {
        var words = new List<string>();
        for (int i = 0; i < command.Length;)
        {
            if (char.IsWhiteSpace(command[i]))
            {
                i++;
                continue;
            }
            if (command[i] == '#') break;
            var word = new System.Text.StringBuilder();
            while (i < command.Length && !char.IsWhiteSpace(command[i]))
            {
                if (command[i] is '\'' or '"')
                {
                    int end = command.IndexOf(command[i], i + 1);
                    if (end < 0) end = command.Length;
                    word.Append(command, i + 1, end - i - 1);
                    i = Math.Min(end + 1, command.Length);
                }
                else word.Append(command[i++]);
            }
            words.Add(word.ToString());
        }
        return [.. words];
    }
}

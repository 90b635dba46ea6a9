using System.Globalization;

namespace GpuConv.Net;

/// <summary>The words of one layer's text, each with its column: what <see cref="NetworkText"/> reads, and how it says where something is wrong.</summary>
public sealed class NetworkWords
{
    // A summary's table: its headings, and what the column after the layers' texts is called.
    private static readonly string[] TableHeadings = ["layer", "input", "output", "parameters", "neurons"];

    // Windows', Unix's, and those of old Macs.
    private static readonly string[] LineEnds = ["\r\n", "\n", "\r"];

    private readonly List<(string Text, int Column)> words = [];
    private readonly int line;
    private readonly int end;
    private string? name;
    private int position;

    private NetworkWords(string text, int line, int start)
    {
        this.line = line;
        end = start + text.TrimEnd().Length + 1;
        for (int i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i])) { i++; continue; }
            int first = i;
            while (i < text.Length && !char.IsWhiteSpace(text[i])) i++;
            words.Add((text[first..i], start + first + 1));
        }
    }

    /// <summary>The layers' texts of a network's: lines, or parts of lines that semicolons end, or the rows of a summary's table, with which such a text ends.</summary>
    internal static IEnumerable<NetworkWords> Of(string text)
    {
        int number = 0, tableColumn = -1;
        foreach (string whole in text.Split(LineEnds, StringSplitOptions.None))
        {
            number++;
            string line = whole.Split('#')[0];
            if (tableColumn >= 0)
            {
                if (string.IsNullOrWhiteSpace(line)) yield break;
                var row = new NetworkWords(line[..Math.Min(line.Length, tableColumn)], number, 0);
                row.name = row.Next("the layer's name");
                yield return row;
                continue;
            }
            if (line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).SequenceEqual(TableHeadings))
            {
                tableColumn = line.IndexOf(TableHeadings[1], StringComparison.Ordinal);
                continue;
            }
            for (int start = 0; start <= line.Length;)
            {
                int semicolon = line.IndexOf(';', start);
                if (semicolon < 0) semicolon = line.Length;
                var words = new NetworkWords(line[start..semicolon], number, start);
                if (!words.AtEnd) yield return words;
                start = semicolon + 1;
            }
        }
    }

    /// <summary>Whether all words are read.</summary>
    public bool AtEnd => position == words.Count;

    /// <summary>The layer's name, which stands before it with a colon, or in a table without; null where there is none.</summary>
    internal string? Label()
    {
        if (name is not null || AtEnd || !words[position].Text.EndsWith(':')) return name;
        name = words[position++].Text[..^1];
        return name.Length > 0 ? name : throw Error("a name is missing before the colon");
    }

    /// <summary>The layer that this one reads, where the text ends with 'from' and its name; null where it reads the one before.</summary>
    internal string? Source()
    {
        // A layer that is named may be called so.
        int after = !AtEnd && LayerKinds.Find(words[position].Text) is { NamesEarlier: true } ? 2 : 0;
        int at = words.FindIndex(Math.Min(position + after, words.Count), w => w.Text == "from");
        if (at < 0) return null;
        int next = at + 1;
        if (next == words.Count) throw new NetworkException($"Line {line}, column {end}: the name of an earlier layer is missing.");
        string source = words[next].Text;
        if (next + 1 < words.Count)
        {
            position = next + 2;
            throw Error("nothing more belongs here");
        }
        words.RemoveRange(at, 2);
        return source;
    }

    internal bool IsNext(string word) => !AtEnd && words[position].Text == word;

    /// <summary>The next word.</summary>
    /// <param name="what">What it is, for the message where it is missing.</param>
    /// <exception cref="NetworkException">There is none.</exception>
    public string Next(string what) => AtEnd ? throw new NetworkException($"Line {line}, column {end}: {what} is missing.") : words[position++].Text;

    /// <summary>Reads a word if it is the next.</summary>
    /// <param name="word">The word.</param>
    /// <returns>Whether it was.</returns>
    public bool Accept(string word)
    {
        if (!IsNext(word)) return false;
        position++;
        return true;
    }

    internal void Expect(string word, string otherwise)
    {
        if (Next(word) != word) throw Error(otherwise);
    }

    internal void ExpectEnd()
    {
        if (AtEnd) return;
        position++;
        throw Error("nothing more belongs here");
    }

    /// <summary>Reads options to the end, in any order.</summary>
    /// <param name="known">Their names, and what reads what follows each.</param>
    /// <exception cref="NetworkException">A word is none of them.</exception>
    public void Options(params (string Name, Action Read)[] known)
    {
        ArgumentNullException.ThrowIfNull(known);
        while (!AtEnd)
        {
            string word = Next("an option");
            Action? read = known.FirstOrDefault(k => k.Name == word).Read;
            if (read is null) throw Error($"known options are {string.Join(", ", known.Select(k => k.Name))}");
            read();
        }
    }

    /// <summary>An option that is a number, as <see cref="Options"/> and <see cref="Number"/> read it, with a space before; nothing where it has its usual value.</summary>
    internal static string Option(string name, float value, float usual) => value == usual ? "" : string.Create(CultureInfo.InvariantCulture, $" {name} {value:r}");

    /// <summary>A whole number from 0 to a million.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <exception cref="NetworkException">The next word is none.</exception>
    public int WholeNumber(string what) => Integers(what, 'x', 1)[0];

    /// <summary>A number.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <exception cref="NetworkException">The next word is none, or not finite.</exception>
    public float Number(string what) =>
        float.TryParse(Next(what), NumberStyles.Float, CultureInfo.InvariantCulture, out float value) && float.IsFinite(value) ? value : throw Error($"{what} is a number");

    internal int[] Sizes(string what) => Integers(what, 'x', 0);

    /// <summary>A height and a width, as <c>3x5</c>; of one number both.</summary>
    /// <param name="what">What they are, for messages.</param>
    /// <exception cref="NetworkException">The next word is no such thing.</exception>
    public (int Height, int Width) Pair(string what)
    {
        int[] values = Integers(what, 'x', 0);
        return values.Length switch { 1 => (values[0], values[0]), 2 => (values[0], values[1]), _ => throw Error($"{what} has one number or two") };
    }

    internal int[] Padding()
    {
        int[] values = Integers("the padding", ',', 0);
        return values.Length switch { 1 => [values[0], values[0], values[0], values[0]], 4 => values, _ => throw Error("a padding is one number, or top,left,bottom,right") };
    }

    /// <summary>What is wrong with the last word that was read, with line and column, to be thrown.</summary>
    /// <param name="message">What is wrong, as <c>the slope is a number</c>.</param>
    public NetworkException Error(string message)
    {
        (string text, int column) = words[Math.Max(0, position - 1)];
        return new NetworkException($"Line {line}, column {column}, '{text}': {message}.");
    }

    /// <summary>Gives the place of the layer to what is found wrong with it as a whole.</summary>
    internal T Located<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when ((e is NetworkException && !e.Message.StartsWith("Line ", StringComparison.Ordinal)) || e is ArgumentException or OverflowException)
        {
            throw new NetworkException($"Line {line}, column {words[0].Column}: {e.Message}", e);
        }
    }

    // Sizes beyond a million are never meant, and their products would overflow.
    private int[] Integers(string what, char separator, int count)
    {
        string[] parts = Next(what).Split(separator);
        var values = new int[parts.Length];
        for (int i = 0; i < parts.Length; i++)
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out values[i]) || values[i] > 1_000_000)
                throw Error($"expected {what}");
        return count == 0 || count == values.Length ? values : throw Error($"expected {what}");
    }
}

using System.Text;

namespace GpuConv.Studies;

/// <summary>A table of plain text. A heading that starts with &gt; has its column aligned to the right.</summary>
internal sealed class TextTable(params string[] headings)
{
    private readonly List<string[]> rows = [];

    public void Add(params string[] cells) => rows.Add(cells);

    /// <summary>A line of its own between rows, however long.</summary>
    public void AddHeading(string text) => rows.Add([text]);

    public override string ToString()
    {
        string[] titles = [.. headings.Select(h => h.TrimStart('>'))];
        int[] widths = [.. titles.Select((t, c) => rows.Where(r => r.Length == headings.Length).Select(r => r[c].Length).Append(t.Length).Max())];
        var text = new StringBuilder();
        if (titles.Any(t => t.Length > 0)) Line(titles);
        foreach (string[] row in rows) Line(row);
        return text.ToString();

        void Line(string[] cells)
        {
            IEnumerable<string> padded = cells.Select((cell, c) => cells.Length < headings.Length ? cell : headings[c].StartsWith('>') ? cell.PadLeft(widths[c]) : cell.PadRight(widths[c]));
            text.Append(string.Join("  ", padded).TrimEnd()).Append('\n');
        }
    }
}

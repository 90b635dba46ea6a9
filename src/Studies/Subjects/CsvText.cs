namespace GpuConv.Studies;

/// <summary>Cells of CSV tables.</summary>
internal static class CsvText
{
    /// <summary>A text that may hold commas or quotation marks, as one cell (RFC 4180).</summary>
    public static string Quoted(string text) => $"\"{text.Replace("\"", "\"\"")}\"";
}

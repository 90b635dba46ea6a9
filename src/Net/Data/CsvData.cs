using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace GpuConv.Net;

/// <summary>
/// A data set as tables: a line for each image with its label and its pixels, row by row, as Kaggle has MNIST and its kin. A first line of names is optional; the label is
/// the column called label or class, else the first. A file with 'train' in its name goes with the one that has 'test' in its place.
/// </summary>
internal static partial class CsvData
{
    private static readonly string[] LabelNames = ["label", "labels", "class", "target", "y"];

    /// <summary>Of the tables in a folder, those to train on: called so, or the only one.</summary>
    public static string[] TrainingFiles(string[] files) => [.. files.Where(f => Train().IsMatch(Path.GetFileName(f))).DefaultIfEmpty(files.Length == 1 ? files[0] : "").Where(f => f.Length > 0)];

    /// <summary>Reads a table, with the one for testing beside it if it is there.</summary>
    public static DataParts Read(string path)
    {
        string name = Path.GetFileNameWithoutExtension(path);
        Table train = Table.Read(path, null);
        string beside = Path.Combine(Path.GetDirectoryName(path)!, Train().Replace(Path.GetFileName(path), m => char.IsUpper(m.Value[0]) ? m.Value[1] == 'R' ? "TEST" : "Test" : "test", 1));
        Table? test = beside != path && File.Exists(beside) ? Table.Read(beside, train.Columns) : null;
        string called = Train().Replace(name, "", 1).Trim('-', '_', '.', ' ');
        if (called.Length == 0) called = DataFinder.NameOf(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return new DataParts(called, train.Images!, path, test?.Images, beside)
        {
            Notes = test is { Images: null } ? [$"{beside} has no labels and is left out."] : [],
        };
    }

    [GeneratedRegex("train", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Train();

    [GeneratedRegex("^([0-9]+)x([0-9]+)$", RegexOptions.CultureInvariant)]
    private static partial Regex Place();

    /// <param name="Images">The images; null if they have no labels.</param>
    /// <param name="Columns">Columns of the table.</param>
    private sealed record Table(LabelledImages? Images, int Columns)
    {
        /// <param name="path">The file.</param>
        /// <param name="labelledColumns">The columns of a table with labels, where that is known: one fewer has none.</param>
        public static Table Read(string path, int? labelledColumns)
        {
            byte[] bytes;
            try
            {
                if (new FileInfo(path).Length > Array.MaxLength) throw new DataException($"{path} has more than {Array.MaxLength} bytes, which cannot be read.");
                bytes = File.ReadAllBytes(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DataException($"{path} cannot be read: {e.Message}", e);
            }
            ReadOnlySpan<byte> text = bytes;
            if (text.StartsWith("\ufeff"u8)) text = text[3..];
            string[] first = Encoding.UTF8.GetString(text[..LineOf(text)]).Trim().Split(',');
            int columns = first.Length;
            if (columns < 2) throw new DataException($"{path}, line 1: expected a label and pixels with commas between them{(FileKind.Of(text[..Math.Min(text.Length, FileKind.Start)]) is { } kind and not "a text" ? $", and this is {kind}" : "")}.");
            bool hasNames = first.Any(f => !double.TryParse(f, CultureInfo.InvariantCulture, out _));
            int label = hasNames ? Array.FindIndex(first, f => LabelNames.Contains(f.Trim().Trim('"'), StringComparer.OrdinalIgnoreCase)) : 0;
            if (labelledColumns is { } labelled && columns == labelled - 1 && (label < 0 || !hasNames)) return new Table(null, columns);
            label = Math.Max(0, label);
            (int height, int width) = SizeOf(path, first, hasNames, columns - 1);
            return new Table(Rows(path, text, hasNames, columns, label, height, width), columns);
        }

        private static (int Height, int Width) SizeOf(string path, string[] first, bool hasNames, int pixels)
        {
            // 1x1, 1x2, …: row and column.
            if (hasNames && Place().Match(first[^1].Trim().Trim('"')) is { Success: true } last && int.TryParse(last.Groups[1].Value, out int height) && int.TryParse(last.Groups[2].Value, out int width) && (long)height * width == pixels) return (height, width);
            var side = (int)Math.Sqrt(pixels);
            return side * side == pixels ? (side, side) : throw new DataException($"{path}: {pixels} pixels in a line are no square, and the first line does not say how many rows and columns they are (as 1x1 to 28x28).");
        }

        private static LabelledImages Rows(string path, ReadOnlySpan<byte> text, bool hasNames, int columns, int label, int height, int width)
        {
            int size = height * width, line = 0;
            var labels = new List<int>();
            // A pixel takes two bytes or more.
            var pixels = new byte[Math.Min(text.Length / 2 / size + 1, Array.MaxLength / size) * size];
            while (text.Length > 0)
            {
                int length = LineOf(text);
                ReadOnlySpan<byte> row = text[..length].Trim(" \r\t"u8);
                text = text[Math.Min(text.Length, length + 1)..];
                line++;
                if (row.IsEmpty || (line == 1 && hasNames)) continue;
                Span<byte> image = pixels.AsSpan(labels.Count * size, size);
                int column = 0, at = 0;
                for (; column < columns; column++)
                {
                    int end = row.IndexOf((byte)',');
                    ReadOnlySpan<byte> field = (end < 0 ? row : row[..end]).Trim(" \""u8);
                    int value = Number(field);
                    if (value < 0 || (column != label && value > byte.MaxValue))
                        throw new DataException($"{path}, line {line}, column {column + 1}: '{Shown(field)}' is {(column == label ? "no number of a class" : "no brightness from 0 to 255")}.");
                    if (column == label) labels.Add(value);
                    else image[at++] = (byte)value;
                    row = end < 0 ? [] : row[(end + 1)..];
                    if (end < 0) break;
                }
                if (column != columns - 1) throw new DataException($"{path}, line {line}: it has {(column < columns ? $"{column + 1}" : $"more than {columns}")} columns, the first line {columns}.");
            }
            if (labels.Count == 0) throw new DataException($"{path} has no images after its first line.");
            return new LabelledImages(pixels[..(labels.Count * size)], [.. labels], 1, height, width);
        }

        private static int LineOf(ReadOnlySpan<byte> text) => text.IndexOf((byte)'\n') is var end and >= 0 ? end : text.Length;

        // -1: none. Tables that went through a program of statistics have 7.0 for 7.
        private static int Number(ReadOnlySpan<byte> field) =>
            Utf8Parser.TryParse(field, out int value, out int used) && used == field.Length ? value
            : Utf8Parser.TryParse(field, out double real, out used) && used == field.Length && real == Math.Floor(real) && real is >= 0 and <= int.MaxValue ? (int)real
            : -1;

        private static string Shown(ReadOnlySpan<byte> field) => SafetensorsHeader.Printable(Encoding.UTF8.GetString(field[..Math.Min(field.Length, 100)]));
    }
}

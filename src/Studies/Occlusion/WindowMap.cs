using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// A map with a value for each window position, drawn over the frame of the image so that each value's cell has its middle where the window had its own.
/// </summary>
internal static class WindowMap
{
    private const float SmallestLabel = 8;

    /// <summary>Draws values from 0 to 1.</summary>
    public static void DrawValues(Picture picture, SKRect frame, OcclusionView view, IReadOnlyList<IReadOnlyList<float>> map)
    {
        picture.Fill(frame, Theme.Grid);
        float[] values = [.. map.SelectMany(row => row)];
        picture.Image(Raster.Colored(values, map.Count, map[0].Count, ColorScale.Viridis, 0, 1), view.Cells(frame, map.Count, map[0].Count));
        picture.Frame(frame, Theme.Rule);
    }

    /// <summary>Draws classes: white where it is the one that is followed, else in colours, with its number in the middle of each larger region.</summary>
    public static void DrawClasses(Picture picture, SKRect frame, OcclusionView view, int[][] map, int followed)
    {
        picture.Fill(frame, Theme.Grid);
        int rows = map.Length, columns = map[0].Length;
        SKRect cells = view.Cells(frame, rows, columns);
        SKColor[] colors = [.. map.SelectMany(row => row).Select(c => c == followed ? SKColors.White : ClassColors.Of(c))];
        picture.Image(new Raster(rows, columns, colors), cells);
        float cell = cells.Width / columns;
        foreach ((int c, int row, int column, int size) in Regions(map))
        {
            float text = Math.Min(Theme.TextSize, 0.8f * cell * MathF.Sqrt(size));
            if (c == followed || text < SmallestLabel) continue;
            picture.TextCentred($"{c}", cells.Left + (column + 0.5f) * cell, cells.Top + (row + 0.5f) * cell, text, ColorScale.InkOn(ClassColors.Of(c)), bold: true);
        }
        picture.Frame(frame, Theme.Rule);
    }

    /// <summary>Connected regions of one class, each with the cell of its own that is nearest to its middle.</summary>
    internal static IEnumerable<(int Class, int Row, int Column, int Size)> Regions(int[][] map)
    {
        int rows = map.Length, columns = map[0].Length;
        var seen = new bool[rows, columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                if (seen[row, column]) continue;
                List<(int Row, int Column)> cells = Flood(map, row, column, seen);
                double middleRow = cells.Average(p => p.Row), middleColumn = cells.Average(p => p.Column);
                (int r, int c) = cells.MinBy(p => Math.Pow(p.Row - middleRow, 2) + Math.Pow(p.Column - middleColumn, 2));
                yield return (map[row][column], r, c, cells.Count);
            }
        }
    }

    private static List<(int Row, int Column)> Flood(int[][] map, int row, int column, bool[,] seen)
    {
        int c = map[row][column];
        var found = new List<(int, int)>();
        var open = new Stack<(int Row, int Column)>([(row, column)]);
        seen[row, column] = true;
        while (open.TryPop(out (int Row, int Column) at))
        {
            found.Add(at);
            foreach ((int y, int x) in ((int, int)[])[(at.Row - 1, at.Column), (at.Row + 1, at.Column), (at.Row, at.Column - 1), (at.Row, at.Column + 1)])
            {
                if (y < 0 || x < 0 || y >= map.Length || x >= map[0].Length || seen[y, x] || map[y][x] != c) continue;
                seen[y, x] = true;
                open.Push((y, x));
            }
        }
        return found;
    }
}

/// <summary>Where the windows of a map were on the image.</summary>
/// <param name="Height">The image's height.</param>
/// <param name="Width">The image's width.</param>
/// <param name="Size">The window's.</param>
/// <param name="Stride">From one window to the next.</param>
internal readonly record struct OcclusionView(int Height, int Width, int Size, int Stride)
{
    /// <summary>Where the map's cells lie if the image fills a frame.</summary>
    public SKRect Cells(SKRect frame, int rows, int columns)
    {
        float x = frame.Width / Width, y = frame.Height / Height, first = (Size - Stride) / 2f;
        return SKRect.Create(frame.Left + first * x, frame.Top + first * y, columns * Stride * x, rows * Stride * y);
    }
}

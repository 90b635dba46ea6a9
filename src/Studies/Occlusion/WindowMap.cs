using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// A map with a value for each window position, drawn over the frame of the image so that each value's cell has its middle where the window had its own.
/// </summary>
internal static class WindowMap
{
    // The least size of a number, and how much of a square it may fill.
    private const float SmallestLabel = 8, Room = 0.9f;

    /// <summary>Draws values from 0 to 1.</summary>
    public static void DrawValues(Picture picture, SKRect frame, OcclusionView view, IReadOnlyList<IReadOnlyList<float>> map)
    {
        picture.Fill(frame, Theme.Grid);
        float[] values = [.. map.SelectMany(row => row)];
        picture.Image(Raster.Colored(values, map.Count, map[0].Count, ColorScale.Viridis, 0, 1), view.Cells(frame, map.Count, map[0].Count));
        picture.Frame(frame, Theme.Rule);
    }

    /// <summary>Draws classes: white where it is the one that is followed, else in colours, with its number in each region that has room for it.</summary>
    public static void DrawClasses(Picture picture, SKRect frame, OcclusionView view, int[][] map, int followed)
    {
        picture.Fill(frame, Theme.Grid);
        int rows = map.Length, columns = map[0].Length;
        SKRect cells = view.Cells(frame, rows, columns);
        SKColor[] colors = [.. map.SelectMany(row => row).Select(c => c == followed ? SKColors.White : ClassColors.Of(c))];
        picture.Image(new Raster(rows, columns, colors), cells);
        float cell = cells.Width / columns;
        foreach ((int c, double row, double column, int side) in Regions(map))
        {
            string number = $"{c}";
            float room = Room * side * cell, text = Math.Min(Theme.TextSize, room / Math.Max(Picture.CapitalHeight, Picture.TextWidth(number, 1, bold: true)));
            if (c == followed || text < SmallestLabel) continue;
            picture.TextCentred(number, cells.Left + (float)column * cell, cells.Top + (float)row * cell, text, ColorScale.InkOn(ClassColors.Of(c)), bold: true);
        }
        picture.Frame(frame, Theme.Rule);
    }

    /// <summary>Connected regions of one class, each with the largest square in it, of these the one nearest to the region's middle: the square's middle, in cells from the map's corner, and its side.</summary>
    internal static IEnumerable<(int Class, double Row, double Column, int Side)> Regions(int[][] map)
    {
        int rows = map.Length, columns = map[0].Length;
        var seen = new bool[rows, columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                if (seen[row, column]) continue;
                List<(int Row, int Column)> cells = Flood(map, row, column, seen);
                double middleRow = cells.Average(p => p.Row) + 0.5, middleColumn = cells.Average(p => p.Column) + 0.5;
                // By the corner at the lower right: the square that ends there.
                var sides = new Dictionary<(int Row, int Column), int>();
                foreach ((int r, int c) in cells.Order())
                    sides[(r, c)] = 1 + Math.Min(sides.GetValueOrDefault((r - 1, c - 1)), Math.Min(sides.GetValueOrDefault((r - 1, c)), sides.GetValueOrDefault((r, c - 1))));
                int side = sides.Values.Max();
                (double y, double x) = sides.Where(s => s.Value == side).Select(s => (s.Key.Row + 1 - side / 2.0, s.Key.Column + 1 - side / 2.0))
                    .MinBy(m => Math.Pow(m.Item1 - middleRow, 2) + Math.Pow(m.Item2 - middleColumn, 2));
                yield return (map[row][column], y, x, side);
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

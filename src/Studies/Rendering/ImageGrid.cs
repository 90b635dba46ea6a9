using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>How an image is marked: by its frame's colour and, where it is wrong, by a cross as well.</summary>
internal enum ImageMark
{
    None,
    Right,
    Wrong,
}

/// <summary>An image of a grid with up to two lines of text below it.</summary>
internal sealed record GridImage(Raster Raster, string Caption = "", string Detail = "", ImageMark Mark = ImageMark.None);

/// <summary>Images in rows, left to right, all of one size, each with its captions.</summary>
internal sealed class ImageGrid(IReadOnlyList<GridImage> images, int columns, float imageHeight, float minimumGap = 14)
{
    /// <summary>Width and height of the cross.</summary>
    public const float CrossSize = 15;

    private const float LineHeight = 15;

    private readonly float imageWidth = images.Count == 0 ? imageHeight : imageHeight * images[0].Raster.Width / images[0].Raster.Height;

    private int CaptionLines => images.Any(i => i.Detail.Length > 0) ? 2 : images.Any(i => i.Caption.Length > 0) ? 1 : 0;

    // A cell is as wide as the widest of what stands in it: captions never meet.
    private float CellWidth => MathF.Ceiling(Math.Max(imageWidth, images.Select(TextWidth).DefaultIfEmpty(0).Max())) + minimumGap;

    private static float TextWidth(GridImage image) =>
        Math.Max(Picture.TextWidth(image.Caption, Theme.TextSize, bold: true), Picture.TextWidth(image.Detail, Theme.SmallSize));

    private float CellHeight => imageHeight + CaptionLines * LineHeight + minimumGap;

    private int Rows => (images.Count + columns - 1) / columns;

    /// <summary>Width that <see cref="Draw"/> takes.</summary>
    public float Width => columns * CellWidth - minimumGap;

    /// <summary>Height that <see cref="Draw"/> takes.</summary>
    public float Height => Math.Max(0, Rows * CellHeight - minimumGap);

    /// <summary>Draws the grid with its upper left corner at a point.</summary>
    public void Draw(Picture picture, float left, float top)
    {
        float cellWidth = CellWidth, cellHeight = CellHeight;
        for (int i = 0; i < images.Count; i++)
        {
            GridImage image = images[i];
            float centre = left + i % columns * cellWidth + (cellWidth - minimumGap) / 2;
            float y = top + i / columns * cellHeight;
            var rect = SKRect.Create(centre - imageWidth / 2, y, imageWidth, imageHeight);
            picture.Image(image.Raster, rect);
            DrawMark(picture, rect, image.Mark);
            SKColor ink = image.Mark == ImageMark.Wrong ? Theme.Vermilion : Theme.Ink;
            picture.Text(image.Caption, centre, y + imageHeight + LineHeight, Theme.TextSize, ink, bold: image.Mark == ImageMark.Wrong, align: SKTextAlign.Center);
            picture.Text(image.Detail, centre, y + imageHeight + 2 * LineHeight, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Center);
        }
    }

    /// <summary>Draws the frame of an image, and for a mistake a cross in its corner.</summary>
    public static void DrawMark(Picture picture, SKRect rect, ImageMark mark)
    {
        if (mark != ImageMark.Wrong)
        {
            picture.Frame(rect, Theme.Rule);
            return;
        }
        picture.Frame(SKRect.Inflate(rect, 1, 1), Theme.Vermilion, 3);
        DrawCross(picture, rect.Right - CrossSize + 2, rect.Top - 2);
    }

    /// <summary>Draws the cross that marks a mistake, also for a legend.</summary>
    public static void DrawCross(Picture picture, float left, float top)
    {
        const float inset = 4.5f;
        var corner = SKRect.Create(left, top, CrossSize, CrossSize);
        picture.Fill(corner, Theme.Vermilion);
        picture.Line(corner.Left + inset, corner.Top + inset, corner.Right - inset, corner.Bottom - inset, SKColors.White, 2);
        picture.Line(corner.Left + inset, corner.Bottom - inset, corner.Right - inset, corner.Top + inset, SKColors.White, 2);
    }
}

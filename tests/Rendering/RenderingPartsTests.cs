using System.Text;
using System.Xml.Linq;
using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

public class RenderingPartsTests
{
    [Theory]
    [InlineData(0, 0.162, false, "0.00 0.05 0.10 0.15 0.20")]
    [InlineData(0.951, 0.997, true, "95 % 96 % 97 % 98 % 99 % 100 %")]
    [InlineData(0.9981, 0.9989, true, "99.80 % 99.82 % 99.84 % 99.86 % 99.88 % 99.90 %")]
    [InlineData(0, 900, false, "0 200 400 600 800 1000")]
    [InlineData(0, 3e37, false, "0 1e37 2e37 3e37")]
    [InlineData(0, 3e-7, false, "0 1e-7 2e-7 3e-7")]
    public void Ticks_are_round_numbers_around_the_data(double minimum, double maximum, bool percent, string labels)
    {
        Ticks ticks = Ticks.Linear(minimum, maximum, percent: percent);
        Assert.Equal(labels, string.Join(" ", ticks.Labels));
        Assert.True(ticks.Minimum <= minimum + 1e-12 && ticks.Maximum >= maximum * (1 - 1e-12));
        Assert.Equal(ticks.Positions.Length, ticks.Labels.Length);
    }

    [Theory]
    [InlineData(1, 1, "1")]
    [InlineData(1, 10, "1 2 3 4 5 6 7 8 9 10")]
    [InlineData(1, 30, "1 5 10 15 20 25 30")]
    [InlineData(3, 40, "3 10 15 20 25 30 35 40")]
    public void Epochs_have_whole_ticks(int first, int last, string labels) => Assert.Equal(labels, string.Join(" ", Ticks.Whole(first, last).Labels));

    [Theory]
    [InlineData(0.009, 0.05, "1 % 2 % 3 % 5 %")]
    [InlineData(0.0025, 0.05, "0.3 % 1 % 3 %")]
    [InlineData(0.00001, 0.9, "0.001 % 0.01 % 0.1 % 1 % 10 % 100 %")]
    public void Errors_have_logarithmic_ticks_in_percent(double smallest, double largest, string labels) =>
        Assert.Equal(labels, string.Join(" ", Ticks.LogPercent(smallest, largest).Labels));

    [Fact]
    public void A_colour_scale_meets_its_stops_and_stays_within_them()
    {
        Assert.Equal(SKColors.White, ColorScale.Blues.At(0));
        Assert.Equal(SKColor.Parse("#08306b"), ColorScale.Blues.At(1));
        Assert.Equal(ColorScale.Blues.At(1), ColorScale.Blues.At(7));
        Assert.Equal(ColorScale.Blues.At(0), ColorScale.Blues.At(double.NaN));
        Assert.Equal(new SKColor(128, 128, 128), ColorScale.Grey.At(0.5));
        Assert.Equal(SKColor.Parse("#f7f7f7"), ColorScale.Diverging.At(0.5));
        Assert.Equal(SKColors.White, ColorScale.InkOn(ColorScale.Blues.At(1)));
        Assert.Equal(Theme.Ink, ColorScale.InkOn(SKColors.White));
    }

    [Fact]
    public void A_raster_keeps_each_pixel_where_it_was()
    {
        Raster raster = Raster.Grey([0, 50, 100, 150, 200, 250], 2, 3);
        using var picture = new Picture(6, 4);
        picture.Image(raster, new SKRect(0, 0, 6, 4));
        using SKBitmap bitmap = SKBitmap.Decode(picture.ToPng());
        for (int y = 0; y < 8; y++)
        {
            for (int x = 0; x < 12; x++) Assert.Equal(50 * (y / 4 * 3 + x / 4), bitmap.GetPixel(x, y).Red);
        }
        Raster colored = Raster.Colored([-1, float.NaN, 1], 1, 3, ColorScale.Grey, -1, 1);
        Assert.Equal([SKColors.Black, SKColors.Transparent, SKColors.White], colored.Colors);
    }

    [Fact]
    public void Captions_of_neighbours_do_not_meet()
    {
        var raster = Raster.Grey([0], 1, 1);
        var image = new GridImage(raster, "a caption much wider than its image", "and a detail", ImageMark.Wrong);
        var grid = new ImageGrid([image, image, image], 2, 20);
        Assert.True(grid.Width >= 2 * Picture.TextWidth(image.Caption, bold: true));
        Assert.True(grid.Height >= 2 * (20 + 2 * Theme.TextSize));
    }

    [Fact]
    public void A_picture_is_written_as_a_whole()
    {
        using var folder = new TemporaryFolder();
        using var picture = new Picture(10, 10);
        byte[] png = picture.ToPng();
        picture.Write(folder.Path, "a", PictureFormat.Png);
        Assert.Equal(png, File.ReadAllBytes(folder["a.png"]));
    }

    [Fact]
    public void Vectors_keep_text_as_text_and_pixels_as_pixels()
    {
        byte[] svg = Drawn(PictureFormat.Svg);
        XElement root = XElement.Parse(Encoding.UTF8.GetString(svg));
        Assert.Equal(("120", "80"), ((string?)root.Attribute("width"), (string?)root.Attribute("height")));
        XElement[] texts = [.. root.Descendants().Where(e => e.Name.LocalName == "text")];
        Assert.Equal(["A title", "and what it says"], texts.Select(t => t.Value.Trim()));
        Assert.All(texts, t => Assert.Equal("Inter, sans-serif", (string?)t.Attribute("font-family")));
        Assert.Single(root.Descendants(), e => e.Name.LocalName == "image");
        Assert.Contains("image-rendering:pixelated", root.Descendants().Single(e => e.Name.LocalName == "style").Value);

        byte[] pdf = Drawn(PictureFormat.Pdf);
        string content = Encoding.Latin1.GetString(pdf);
        Assert.StartsWith("%PDF-", content);
        Assert.Contains("/MediaBox [0 0 120 80]", content);
        Assert.DoesNotContain("DCTDecode", content); // no JPEG
        Assert.Contains("Inter", content); // the font is in the file
        Assert.Equal(pdf, Drawn(PictureFormat.Pdf));
        Assert.Equal(svg, Drawn(PictureFormat.Svg));

        static byte[] Drawn(PictureFormat format)
        {
            using var picture = new Picture(120, 80);
            picture.Heading("A title", "and what it says");
            picture.Image(Raster.Grey([0, 50, 100, 150, 200, 250], 2, 3), SKRect.Create(20, 60, 30, 20));
            return PictureFile.Encode(picture, format);
        }
    }
}

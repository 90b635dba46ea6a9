using GpuConv.Net;
using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

public sealed class PictureDecoderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Where the corners are seen by each value of the tag, in the order of reading: Exif 2.32, table of Orientation (0x0112). Stored are red, green above blue, white.</summary>
    [Theory]
    [InlineData(1, "RGBW"), InlineData(2, "GRWB"), InlineData(3, "WBGR"), InlineData(4, "BWRG")]
    [InlineData(5, "RBGW"), InlineData(6, "BRWG"), InlineData(7, "WGBR"), InlineData(8, "GWRB")]
    public void Pictures_are_turned_as_their_tag_says(byte orientation, string seen)
    {
        string file = Oriented(orientation);
        using SKBitmap bitmap = PictureDecoder.Decode(file);
        Assert.Equal(orientation < 5 ? (32, 48) : (48, 32), (bitmap.Height, bitmap.Width));
        Assert.Equal((bitmap.Height, bitmap.Width), PictureDecoder.SizeOf(file));
        Assert.Equal(seen, string.Concat(from y in (int[])[4, bitmap.Height - 5] from x in (int[])[4, bitmap.Width - 5] select Name(bitmap.GetPixel(x, y))));
        using SKBitmap transposed = PictureDecoder.Decode(file, transposed: true);
        Assert.Equal($"{seen[0]}{seen[2]}{seen[1]}{seen[3]}", string.Concat(from y in (int[])[4, transposed.Height - 5] from x in (int[])[4, transposed.Width - 5] select Name(transposed.GetPixel(x, y))));
        // The same in a folder of pictures and in a network's input.
        DecodedImage decoded = ImageInput.Decode(file, null);
        Assert.Equal((bitmap.Height, bitmap.Width), (decoded.Height, decoded.Width));
        Assert.Equal(seen[0] is 'R' or 'W', decoded.Pixels[4 * bitmap.Width + 4] > 127);
        byte[] read = ImageInput.Read(file, new Kernels.Shape(3, bitmap.Height, bitmap.Width), "no")!;
        Assert.Equal(decoded.Pixels, read);
    }

    /// <summary>A picture that was cut off anywhere is never taken for a whole one.</summary>
    [Theory, InlineData(SKEncodedImageFormat.Png), InlineData(SKEncodedImageFormat.Jpeg), InlineData(SKEncodedImageFormat.Webp)]
    public void Cutting_a_picture_is_noticed(SKEncodedImageFormat format)
    {
        string whole = folder["whole"], cut = folder["cut"];
        PictureFolder.Write(whole, 40, 30, true, (c, y, x) => (c * 80 + y * x * 7) % 256, format);
        byte[] bytes = File.ReadAllBytes(whole);
        using (PictureDecoder.Decode(whole)) { }
        // The last bytes of a PNG are a chunk that holds nothing, those of a JPEG the end's mark.
        int until = bytes.Length - (format == SKEncodedImageFormat.Webp ? 1 : 20);
        for (int length = 0; length < until; length += length < 100 ? 1 : 13)
        {
            File.WriteAllBytes(cut, bytes[..length]);
            Assert.StartsWith(cut, Assert.Throws<DataException>(() => PictureDecoder.Decode(cut).Dispose()).Message, StringComparison.Ordinal);
        }
    }

    [Theory, InlineData(255, 0), InlineData(0, 255), InlineData(200, 0), InlineData(60, 255)]
    public void What_is_transparent_is_the_ground_that_strokes_stand_out_from(byte stroke, byte ground)
    {
        using var bitmap = new SKBitmap(new SKImageInfo(10, 10, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(SKColors.Transparent);
        for (int y = 2; y < 8; y++) bitmap.SetPixel(5, y, new SKColor(stroke, stroke, stroke));
        File.WriteAllBytes(folder["stroke.png"], bitmap.Encode(SKEncodedImageFormat.Png, 100).ToArray());
        DecodedImage decoded = ImageInput.Decode(folder["stroke.png"], null);
        Assert.Equal((ground, stroke), (decoded.Pixels[0], decoded.Pixels[55]));
        // Read as a digit, light on dark, either way.
        byte[] read = ImageInput.Read(folder["stroke.png"], new Kernels.Shape(1, 10, 10))!;
        Assert.True(read[55] > read[0]);
    }

    [Theory, InlineData(24, false), InlineData(27, true)]
    public void A_faint_stroke_is_drawn_and_noise_is_not(int contrast, bool drawn)
    {
        PictureFolder.Write(folder["faint.png"], 40, 40, false, (_, y, x) => x is > 15 and < 20 && y is > 8 and < 30 ? 220 - contrast : 220);
        Assert.Equal(drawn, ImageInput.Read(folder["faint.png"], new Kernels.Shape(1, 28, 28), fit: "digit") is not null);
    }

    private static char Name(SKColor colour) => (colour.Red > 127, colour.Green > 127, colour.Blue > 127) switch
    {
        (true, false, false) => 'R',
        (false, true, false) => 'G',
        (false, false, true) => 'B',
        (true, true, true) => 'W',
        _ => '?',
    };

    // A JPEG of four colours with an Exif segment behind its first mark: little-endian TIFF with one entry.
    private string Oriented(byte orientation)
    {
        PictureFolder.Write(folder["plain.jpg"], 32, 48, true, (c, y, x) => (y < 16, x < 24) switch { (true, true) => c == 0, (true, false) => c == 1, (false, true) => c == 2, _ => true } ? 255 : 0, SKEncodedImageFormat.Jpeg);
        byte[] bytes = File.ReadAllBytes(folder["plain.jpg"]);
        byte[] exif = [.. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        return folder.Write("oriented.jpg", [.. bytes[..2], 0xff, 0xe1, 0, (byte)(exif.Length + 2), .. exif, .. bytes[2..]]);
    }
}

using System.Runtime.InteropServices;
using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>A picture file as an upright bitmap of 32 bits, or an error that names it: what is cut off, damaged, of another kind or too large is no picture.</summary>
internal static class PictureDecoder
{
    /// <summary>The kinds that are read, in words.</summary>
    public const string Kinds = "PNG, JPEG, WebP, BMP and GIF";

    // Half a gigabyte of pixels. Cameras of telephones reach 108 million, the compressed files that pretend to be pictures far more.
    private const long MostPixels = 128_000_000;

    /// <summary>Height and width of the picture as it is seen.</summary>
    /// <exception cref="DataException">The file is missing or no picture.</exception>
    public static (int Height, int Width) SizeOf(string path)
    {
        using SKCodec codec = Open(path);
        return IsTurned(codec.EncodedOrigin) ? (codec.Info.Width, codec.Info.Height) : (codec.Info.Height, codec.Info.Width);
    }

    /// <summary>Decodes the picture, turned as its Exif orientation says.</summary>
    /// <param name="path">The file.</param>
    /// <param name="transposed">Whether rows and columns are exchanged then.</param>
    /// <exception cref="DataException">The file is missing, no picture, damaged, cut off, or too large.</exception>
    public static SKBitmap Decode(string path, bool transposed = false)
    {
        using SKCodec codec = Open(path);
        SKImageInfo info = codec.Info;
        if ((long)info.Width * info.Height > MostPixels)
            throw new DataException($"{path} has {info.Height} x {info.Width} pixels; more than {MostPixels / 1_000_000} million are not read. Scale it down.");
        // No colour space: the bytes are taken as they stand, as training images are.
        var bitmap = new SKBitmap(new SKImageInfo(info.Width, info.Height, SKColorType.Rgba8888, info.AlphaType == SKAlphaType.Opaque ? SKAlphaType.Opaque : SKAlphaType.Premul));
        SKCodecResult result = codec.GetPixels(bitmap.Info, bitmap.GetPixels());
        if (result == SKCodecResult.Success) return transposed ? Upright(Upright(bitmap, codec.EncodedOrigin), SKEncodedOrigin.LeftTop) : Upright(bitmap, codec.EncodedOrigin);
        bitmap.Dispose();
        throw new DataException(result == SKCodecResult.IncompleteInput ? $"{path} is cut off: its last rows are missing. Copy it again, or take it out." : $"{path} is damaged: it cannot be decoded. Copy it again, or take it out.");
    }

    private static SKCodec Open(string path)
    {
        if (!File.Exists(path)) throw new DataException(Directory.Exists(path) ? $"{path} is a folder, not a picture." : $"{path}: there is no such file.");
        try
        {
            if (SKCodec.Create(path) is { } codec) return codec;
            string? kind = FileKind.OfFile(path);
            throw new DataException($"{path} is {kind switch { null => "no picture", "empty" => "empty", _ => kind }}{(IsRead(kind) ? ", damaged or cut off within its header. Copy it again, or take it out." : $"; pictures are {Kinds}.")}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private static bool IsRead(string? kind) => kind is "a PNG picture" or "a JPEG picture" or "a WebP picture" or "a BMP picture" or "a GIF picture";

    private static bool IsTurned(SKEncodedOrigin origin) => origin is SKEncodedOrigin.LeftTop or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;

    // Exif 2.32, tag 0x0112: on which sides the first row and the first column are seen.
    private static SKBitmap Upright(SKBitmap bitmap, SKEncodedOrigin origin)
    {
        if (origin is SKEncodedOrigin.TopLeft) return bitmap;
        bool turned = IsTurned(origin);
        (int height, int width) = (bitmap.Height, bitmap.Width);
        bool right = origin is SKEncodedOrigin.TopRight or SKEncodedOrigin.BottomRight or SKEncodedOrigin.RightTop or SKEncodedOrigin.RightBottom;
        bool bottom = origin is SKEncodedOrigin.BottomRight or SKEncodedOrigin.BottomLeft or SKEncodedOrigin.RightBottom or SKEncodedOrigin.LeftBottom;
        var upright = new SKBitmap(new SKImageInfo(turned ? height : width, turned ? width : height, bitmap.ColorType, bitmap.AlphaType));
        ReadOnlySpan<int> from = MemoryMarshal.Cast<byte, int>(bitmap.GetPixelSpan());
        Span<int> to = MemoryMarshal.Cast<byte, int>(upright.GetPixelSpan());
        for (int y = 0; y < upright.Height; y++)
        {
            int seenY = bottom ? upright.Height - 1 - y : y;
            for (int x = 0; x < upright.Width; x++)
            {
                int seenX = right ? upright.Width - 1 - x : x;
                to[y * upright.Width + x] = turned ? from[seenX * width + seenY] : from[seenY * width + seenX];
            }
        }
        bitmap.Dispose();
        return upright;
    }
}

using System.CommandLine;
using GpuConv.Kernels;
using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>An image file as a network's input: resized, in grey where the network has one channel, light on dark.</summary>
internal static class ImageInput
{
    private static readonly Option<string> Invert = new Option<string>("--invert")
    {
        Description = "Whether files are dark on light and must be inverted: auto (by the border's brightness; never where the model was trained on picture files), yes, no",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "yes", "no");

    private static readonly Option<string> Fit = new Option<string>("--fit")
    {
        Description = "digit: what is drawn in a file is cut out, scaled and centred as MNIST's digits are; whole: the whole file is resized; auto: digit where the model is of MNIST, by its data or its normalisation, and the file of another size",
        DefaultValueFactory = _ => "auto",
    }.AcceptOnlyFromAmong("auto", "digit", "whole");

    public static void AddTo(Command command)
    {
        command.Add(Invert);
        command.Add(Fit);
    }

    /// <summary>Reads images as the options say, and tells how they were fitted where that was not asked for.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="paths">The files.</param>
    /// <param name="model">The model that takes them.</param>
    /// <returns>The images; null for one that is to be cut out where nothing is drawn.</returns>
    /// <exception cref="DataException">A file is missing or no picture.</exception>
    /// <exception cref="RequestException">--fit digit is for networks in grey.</exception>
    public static byte[]?[] Read(ParseResult parsed, IReadOnlyList<string> paths, Model model)
    {
        Shape shape = model.Network.InputShape;
        string fit = parsed.GetValue(Fit)!;
        bool digits = IsOfMnist(model);
        byte[]?[] images = [.. paths.Select(path => Read(path, shape, InvertFor(model, parsed.GetValue(Invert)!), fit, digits, parsed.GetValue(CommonOptions.Transpose) == "yes"))];
        if (fit == "auto" && shape[0] == 1 && !parsed.GetValue(CommonOptions.Quiet) && paths.Any(p => PictureDecoder.SizeOf(p) != (shape[1], shape[2])))
            Console.Error.WriteLine(digits
                ? "The model is of MNIST: what is drawn in a file is cut out and centred as its digits are (--fit whole: not)."
                : $"The model is not of MNIST: files are resized to {shape[1]} x {shape[2]} as a whole (--fit digit: what is drawn in them is cut out and centred).");
        return images;
    }

    /// <summary>As <see cref="Read(ParseResult, IReadOnlyList{string}, Model)"/>, for what cannot go on without a drawing.</summary>
    /// <exception cref="RequestException">Nothing is drawn in a file.</exception>
    public static byte[][] ReadDrawn(ParseResult parsed, IReadOnlyList<string> paths, Model model) =>
        [.. Read(parsed, paths, model).Zip(paths, (image, path) => image ?? throw new RequestException($"{path}: nothing is drawn. Leave it out, or take it as it is by --fit whole."))];

    // By the data's name, which only MNIST has, whatever its folder; by the normalisation, which a file from PyTorch or ONNX and one of an older build has too, written out or to the usual four digits.
    private static bool IsOfMnist(Model model) => model.DataName == DataSet.Mnist || (Math.Abs(model.Mean - 0.1307f) < 1e-4f && Math.Abs(model.Deviation - 0.3081f) < 1e-4f);

    // Pictures that a model was trained on came from files as these do: light or dark as they are.
    private static string InvertFor(Model model, string invert) => invert == "auto" && model.FromPictures ? "no" : invert;

    /// <summary>A picture of a data set: in its own size, or resized.</summary>
    /// <exception cref="DataException">The file is no picture, or damaged.</exception>
    public static DecodedImage Decode(string path, (int Height, int Width)? size)
    {
        using SKBitmap decoded = PictureDecoder.Decode(path);
        (int height, int width) = size ?? (decoded.Height, decoded.Width);
        return new DecodedImage(height, width, Planes(OnGround(decoded, height, width)));
    }

    private static byte[] Planes(SKColor[] colors) => [.. colors.Select(c => c.Red), .. colors.Select(c => c.Green), .. colors.Select(c => c.Blue)];

    /// <summary>Reads an image.</summary>
    /// <param name="path">The file.</param>
    /// <param name="shape">(channels, height, width), with 1 or 3 channels.</param>
    /// <param name="invert">yes, no, or auto: inverted if the border is light, as ink on paper; the training images are light on dark.</param>
    /// <param name="fit">digit, whole or auto.</param>
    /// <param name="digits">Whether the network was trained on digits that were centred and scaled: what auto goes by.</param>
    /// <param name="transposed">Whether files have rows and columns exchanged.</param>
    /// <returns>The image; null if it is to be cut out and nothing is drawn.</returns>
    /// <exception cref="DataException">The file is missing or no picture.</exception>
    /// <exception cref="RequestException">Fit is digit for a network in colour.</exception>
    public static byte[]? Read(string path, Shape shape, string invert = "auto", string fit = "auto", bool digits = false, bool transposed = false)
    {
        using SKBitmap decoded = PictureDecoder.Decode(path, transposed);
        if (shape.Rank != 3 || shape[0] is not (1 or 3)) throw new RequestException($"The model takes {shape}; image files have 1 or 3 channels.");
        if (fit == "digit" && shape[0] != 1) throw new RequestException($"--fit digit: the model takes {shape}, digits are in grey.");
        bool asItIs = decoded.Height == shape[1] && decoded.Width == shape[2];
        return fit == "digit" || (fit == "auto" && digits && shape[0] == 1 && !asItIs)
            ? DigitFrame.Centred(Grey(OnGround(decoded, decoded.Height, decoded.Width)), decoded.Height, decoded.Width, shape[1], shape[2], invert)
            : Whole(decoded, shape, invert);
    }

    /// <summary>Inverts pixels if asked to, or if their border is light.</summary>
    public static void Inverted(byte[] pixels, int height, int width, string invert)
    {
        if (invert == "yes" || (invert == "auto" && BorderIsLight(pixels, height, width)))
            for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)(255 - pixels[i]);
    }

    private static byte[] Whole(SKBitmap decoded, Shape shape, string invert)
    {
        SKColor[] colors = OnGround(decoded, shape[1], shape[2]);
        byte[] pixels = shape[0] == 1 ? Grey(colors) : Planes(colors);
        Inverted(pixels, shape[1], shape[2], invert);
        return pixels;
    }

    // Resized; what is transparent is the ground that the drawing stands out from.
    private static SKColor[] OnGround(SKBitmap decoded, int height, int width)
    {
        using var bitmap = new SKBitmap(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque);
        using var canvas = new SKCanvas(bitmap);
        using SKImage image = SKImage.FromBitmap(decoded);
        canvas.Clear(IsLight(decoded) ? SKColors.Black : SKColors.White);
        canvas.DrawImage(image, new SKRect(0, 0, width, height), new SKSamplingOptions(SKFilterMode.Linear, SKMipmapMode.Linear));
        return bitmap.Pixels;
    }

    // What is seen of a picture that is transparent elsewhere, on average; its pixels are multiplied by their alpha.
    private static bool IsLight(SKBitmap decoded)
    {
        if (decoded.AlphaType == SKAlphaType.Opaque) return false;
        double luminance = 0, alpha = 0;
        ReadOnlySpan<byte> rgba = decoded.GetPixelSpan();
        for (int i = 0; i < rgba.Length; i += 4)
        {
            luminance += Luminance(rgba[i], rgba[i + 1], rgba[i + 2]);
            alpha += rgba[i + 3];
        }
        // A picture that is opaque after all has no ground to be seen.
        return luminance > alpha / 2;
    }

    private static double Luminance(byte red, byte green, byte blue) => 0.299 * red + 0.587 * green + 0.114 * blue;

    private static byte[] Grey(SKColor[] colors) => [.. colors.Select(c => (byte)Math.Round(Luminance(c.Red, c.Green, c.Blue)))];

    private static bool BorderIsLight(byte[] pixels, int height, int width)
    {
        long sum = 0, count = 0;
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                if (y > 0 && y < height - 1 && x > 0 && x < width - 1) continue;
                sum += pixels[y * width + x];
                count++;
            }
        }
        return sum > 127 * count;
    }
}

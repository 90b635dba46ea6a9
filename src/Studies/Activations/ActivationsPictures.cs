using GpuConv.Kernels;
using GpuConv.Net;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of a study of activations: a sheet of feature maps for each image, a page of channels for each convolution.</summary>
internal static class ActivationsPictures
{
    // Of the sheet of maps.
    private const float BlockGap = 18, InputHeight = 112, Top = 80;

    // Of the page of channels.
    private const float Portrait = 82, ImageTile = 46, PatchTile = 32, CellText = 92, RowGap = 18, HalfGap = 34;

    /// <summary>All feature maps of an image, layer by layer.</summary>
    /// <param name="image">The image.</param>
    /// <param name="predicted">The class that it is taken for.</param>
    /// <param name="network">The network.</param>
    /// <param name="stages">Its layers that give maps, by their positions.</param>
    /// <param name="maps">What each gives: (channel, height, width).</param>
    /// <param name="result">The study, which knows the dead channels.</param>
    /// <param name="eachItsOwnScale">Whether each map has a scale of its own instead of its layer's.</param>
    /// <param name="names">The classes' names.</param>
    public static Picture Sheet(StudyImage image, int predicted, Network network, int[] stages, float[][] maps, ActivationsResult result, bool eachItsOwnScale, ClassNames names)
    {
        MapBlock[] blocks = [.. stages.Select((s, i) => new MapBlock(network, s, maps[i], result.Stages[i].Channels, eachItsOwnScale))];
        string title = $"Feature maps of {image.Name}: {names.Verdict(image.Label, predicted)}";
        string scale = eachItsOwnScale
            ? "Each map has a scale of its own, from nothing to its largest magnitude, which stands below it after its number."
            : "All maps of a layer have one scale, shown beside them. Below each map its number.";
        string explanation = $"{scale} Dead: never above zero after the ReLU, over {result.Images:n0} test images.";
        float left = Theme.Margin + InputHeight * image.Shape[2] / image.Shape[1] + 28;
        float grid = blocks.Max(b => b.Width);
        var picture = new Picture(
            Math.Max(left + grid + Theme.Margin, 2 * Theme.Margin + Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation))), Top + Math.Max(InputHeight + 30, blocks.Sum(b => b.Height + BlockGap) - BlockGap) + Theme.Margin);
        picture.Heading(title, explanation);
        var frame = SKRect.Create(Theme.Margin, Top + 22, InputHeight * image.Shape[2] / image.Shape[1], InputHeight);
        picture.Text("input", frame.Left, Top + 12, Theme.TextSize, bold: true);
        picture.Image(Raster.Of(image.Pixels, image.Shape[0], image.Shape[1], image.Shape[2]), frame);
        picture.Frame(frame, Theme.Rule);
        picture.Text($"{image.Shape[1]} x {image.Shape[2]}", frame.Left, frame.Bottom + 15, Theme.SmallSize, Theme.Muted);
        float top = Top;
        foreach (MapBlock block in blocks)
        {
            block.Draw(picture, left, top);
            top += block.Height + BlockGap;
        }
        return picture;
    }

    /// <summary>What each channel of a convolution stands for.</summary>
    public static Picture Page(ChannelLayer layer, LabelledImages images, ActivationsResult result)
    {
        ImageRegion field = layer.Middle;
        float imageWidth = ImageTile * images.Width / images.Height, patchWidth = PatchTile * field.Width / field.Height, portraitWidth = Portrait * field.Width / field.Height;
        float step = Math.Max(imageWidth, patchWidth) + 4, cell = CellText + portraitWidth + 14 + ChannelTally.Kept * step - 4, row = Portrait + RowGap;
        int columns = layer.Channels.Count > 8 ? 2 : 1, rows = (layer.Channels.Count + columns - 1) / columns;
        string title = $"{layer.Name}: what its {layer.Channels.Count} channels stand for";
        string explanation = $"Left: the input that excites the channel most, found by gradient ascent ({Regularisers(result.BestInput, layer.Jitter)}). Right: the nine of {result.Images:n0} test images that drive it most; framed, and enlarged below, the {field.Height} x {field.Width} pixels that the unit sees.";
        string numbers = $"Values are those of {layer.Measured}, before the activation function: by the shown input and, largest, by a test image. Grey: beyond the image, where the unit sees padding. {Dead(layer)}";
        float width = Math.Max(columns * (cell + HalfGap) - HalfGap, 560);
        string[] lines = [.. Picture.Wrap(explanation, width), .. Picture.Wrap(numbers, width)];
        float top = Theme.Margin + 36 + lines.Length * 16 + 20;
        var picture = new Picture(Math.Max(width, Picture.TextWidth(title, Theme.TitleSize, bold: true)) + 2 * Theme.Margin, top + rows * row - RowGap + Theme.Margin);
        picture.Heading(title, lines[0]);
        for (int i = 1; i < lines.Length; i++) picture.Text(lines[i], Theme.Margin, Theme.Margin + 36 + 16 * i, Theme.TextSize, Theme.Muted);
        for (int i = 0; i < layer.Channels.Count; i++)
        {
            ChannelPortrait channel = layer.Channels[i];
            float x = Theme.Margin + i / rows * (cell + HalfGap), y = top + i % rows * row;
            picture.Text($"{channel.Index}", x, y + 14, Theme.HeadingSize, channel.Dead ? Theme.Vermilion : Theme.Ink, bold: true);
            if (channel.Dead) picture.Text("dead", x + 6 + Picture.TextWidth($"{channel.Index}", Theme.HeadingSize, bold: true), y + 14, Theme.TextSize, Theme.Vermilion, bold: true);
            picture.Text($"this {Number(channel.BestInput)}", x, y + 36, Theme.SmallSize);
            picture.Text($"largest {Number(channel.Strongest[0].Value)}", x, y + 52, Theme.SmallSize, Theme.Muted);
            var best = SKRect.Create(x + CellText, y, portraitWidth, Portrait);
            DrawPatch(picture, channel.Pixels, images.Channels, images.Height, images.Width, layer.Middle, best);
            if (channel.Dead) picture.Frame(SKRect.Inflate(best, 1, 1), Theme.Vermilion, 2);
            for (int s = 0; s < channel.Strongest.Count; s++)
            {
                StrongImage strong = channel.Strongest[s];
                float left = best.Right + 14 + s * step;
                ImageRegion seen = field with { Top = strong.Top, Left = strong.Left };
                DrawFramed(picture, images, strong.Image, seen, SKRect.Create(left + (step - 4 - imageWidth) / 2, y, imageWidth, ImageTile));
                float[] pixels = Array.ConvertAll(images.Image(strong.Image).ToArray(), b => (float)b);
                DrawPatch(picture, pixels, images.Channels, images.Height, images.Width, seen, SKRect.Create(left + (step - 4 - patchWidth) / 2, y + Portrait - PatchTile, patchWidth, PatchTile));
            }
        }
        return picture;
    }

    private static string Dead(ChannelLayer layer)
    {
        int[] dead = [.. layer.Channels.Where(c => c.Dead).Select(c => c.Index)];
        return dead.Length == 0 ? "No channel is dead." : $"Dead, never above zero after the ReLU: {string.Join(", ", dead)}.";
    }

    private static string Regularisers(BestInputOptions options, int jitter) =>
        options is { L2: 0, Blur: 0 } && jitter == 0 ? "without regularisers, within 0 to 255" : $"regularisers: L2 {options.L2:g3}, blur {options.Blur:g3}, jitter {jitter}";

    /// <summary>Three significant digits.</summary>
    public static string Number(double value) => Math.Abs(value) switch { >= 99.95 => $"{value:f0}", >= 9.995 => $"{value:f1}", _ => $"{value:f2}" };

    // The image with the unit's field framed, as far as it lies on it.
    private static void DrawFramed(Picture picture, LabelledImages images, int image, ImageRegion field, SKRect rect)
    {
        picture.Image(Raster.Of(images.Image(image), images.Channels, images.Height, images.Width), rect);
        float unit = rect.Height / images.Height;
        ImageRegion seen = field.Within(images.Height, images.Width);
        picture.Frame(SKRect.Create(rect.Left + seen.Left * unit, rect.Top + seen.Top * unit, seen.Width * unit, seen.Height * unit), Theme.Vermilion, 1.25f);
    }

    // A part of an image; what lies beyond the image is grey.
    private static void DrawPatch(Picture picture, float[] pixels, int channels, int height, int width, ImageRegion region, SKRect rect)
    {
        var colors = new SKColor[region.Height * region.Width];
        for (int i = 0; i < colors.Length; i++)
        {
            int y = region.Top + i / region.Width, x = region.Left + i % region.Width, at = y * width + x, plane = height * width;
            bool inside = y >= 0 && y < height && x >= 0 && x < width;
            colors[i] = !inside ? Theme.Rule : new SKColor(Byte(pixels[at]), Byte(pixels[channels == 3 ? at + plane : at]), Byte(pixels[channels == 3 ? at + 2 * plane : at]));
        }
        picture.Image(new Raster(region.Height, region.Width, colors), rect);
        picture.Frame(rect, Theme.Rule);

        static byte Byte(float value) => (byte)Math.Round(Math.Clamp(value, 0, 255));
    }
}

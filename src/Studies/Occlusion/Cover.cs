using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What shows where an image is covered.</summary>
internal static class Cover
{
    private const float Grey = 127.5f;

    private const ulong NoiseStream = 7;

    // Blurred so far that the strokes of a digit run into one another.
    private const float BlurDeviation = 3;

    /// <summary>The names of --fill.</summary>
    public static string[] Names => ["zero", "mean", "grey", "noise", "blur"];

    /// <summary>A cover in words.</summary>
    public static string Text(string name) => name switch
    {
        "zero" => "black",
        "mean" => "the training images' mean brightness",
        "grey" => "middle grey",
        "blur" => "the image, blurred",
        _ => name,
    };

    /// <summary>
    /// The cover of an image, as brightness 0 to 255: black; the mean of the training images; middle grey; even noise, by the seed and the
    /// image's size alone; the image itself, blurred.
    /// </summary>
    public static float[] Of(string name, StudyImage image, Model model, ulong seed)
    {
        int count = image.Pixels.Length;
        switch (name)
        {
            case "zero": return new float[count];
            case "mean": return [.. Enumerable.Repeat(255 * model.Mean, count)];
            case "grey": return [.. Enumerable.Repeat(Grey, count)];
            case "noise":
                var random = new RandomSequence(seed, NoiseStream);
                return [.. Enumerable.Range(0, count).Select(_ => (float)random.NextInt(256))];
            case "blur": return Blurred(image);
            default: throw new ArgumentException($"There is no fill '{name}'.", nameof(name));
        }
    }

    // A Gaussian, rows then columns; beyond the edge the outermost pixels go on.
    private static float[] Blurred(StudyImage image)
    {
        int height = image.Shape[1], width = image.Shape[2], radius = (int)MathF.Ceiling(3 * BlurDeviation);
        double[] weights = [.. Enumerable.Range(-radius, 2 * radius + 1).Select(d => Math.Exp(-d * d / (2.0 * BlurDeviation * BlurDeviation)))];
        double total = weights.Sum();
        var across = new double[image.Pixels.Length];
        var blurred = new float[image.Pixels.Length];
        for (int i = 0; i < across.Length; i++)
        {
            int line = i / width * width, x = i - line;
            for (int d = -radius; d <= radius; d++) across[i] += weights[d + radius] * image.Pixels[line + Math.Clamp(x + d, 0, width - 1)];
        }
        for (int i = 0; i < across.Length; i++)
        {
            int plane = i / (height * width) * height * width, y = (i - plane) / width, x = i % width;
            double sum = 0;
            for (int d = -radius; d <= radius; d++) sum += weights[d + radius] * across[plane + Math.Clamp(y + d, 0, height - 1) * width + x];
            blurred[i] = (float)(sum / (total * total));
        }
        return blurred;
    }
}

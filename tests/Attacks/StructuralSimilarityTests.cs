using GpuConv.Net;

namespace GpuConv.Tests;

public class StructuralSimilarityTests
{
    private const double C1 = 1e-4, C2 = 9e-4;

    [Fact]
    public void An_image_is_itself_and_even_images_differ_by_their_brightness_alone()
    {
        var random = new Random(1);
        double[] a = [.. Enumerable.Range(0, 13 * 17).Select(_ => random.NextDouble())];
        Assert.Equal(1, StructuralSimilarity.Of(a, a, 13, 17), 12);
        double[] dark = [.. Enumerable.Repeat(0.25, 13 * 17)], bright = [.. Enumerable.Repeat(0.75, 13 * 17)];
        Assert.Equal((2 * 0.25 * 0.75 + C1) / (0.25 * 0.25 + 0.75 * 0.75 + C1), StructuralSimilarity.Of(dark, bright, 13, 17), 12);
    }

    // One window: the paper's formula with the moments of one image alone, as the other is a linear function of it.
    [Theory, InlineData(11, 11, 0.5, 0.25), InlineData(11, 11, -0.5, 0.75), InlineData(7, 7, 0.25, 0)]
    public void Of_a_changed_contrast_it_is_the_formula(int height, int width, double factor, double offset)
    {
        var random = new Random(2);
        double[] a = [.. Enumerable.Range(0, height * width).Select(_ => random.NextDouble())], b = [.. a.Select(v => factor * v + offset)];
        double total = 0, mean = 0, square = 0;
        for (int i = 0; i < a.Length; i++)
        {
            double dy = i / width - (height - 1) / 2.0, dx = i % width - (width - 1) / 2.0, weight = Math.Exp(-(dy * dy + dx * dx) / 4.5);
            total += weight;
            mean += weight * a[i];
            square += weight * a[i] * a[i];
        }
        (mean, double variance) = (mean / total, square / total - Math.Pow(mean / total, 2));
        double other = factor * mean + offset;
        double expected = (2 * mean * other + C1) * (2 * factor * variance + C2) / ((mean * mean + other * other + C1) * (variance * (1 + factor * factor) + C2));
        Assert.Equal(expected, StructuralSimilarity.Of(a, b, height, width), 12);
        Assert.Equal(expected, StructuralSimilarity.Of(b, a, height, width), 12);
        // Of values 255 times as large in a range 255 times as large it is the same.
        Assert.Equal(expected, StructuralSimilarity.Of([.. a.Select(v => 255 * v)], [.. b.Select(v => 255 * v)], height, width, 255), 12);
    }

    [Fact]
    public void It_is_the_mean_over_windows_inside()
    {
        var random = new Random(3);
        double[] a = [.. Enumerable.Range(0, 12 * 11).Select(_ => random.NextDouble())], b = [.. a.Select(_ => random.NextDouble())];
        double upper = StructuralSimilarity.Of(a[..121], b[..121], 11, 11), lower = StructuralSimilarity.Of(a[11..], b[11..], 11, 11);
        Assert.Equal((upper + lower) / 2, StructuralSimilarity.Of(a, b, 12, 11), 12);
        Assert.Throws<ArgumentException>(() => StructuralSimilarity.Of(a, b, 11, 11));
    }
}

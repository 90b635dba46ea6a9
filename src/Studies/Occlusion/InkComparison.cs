using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Measures <see cref="OcclusionNulls"/>.</summary>
internal static class InkComparison
{
    /// <summary>So many of the first test images are judged by.</summary>
    public const int MostImages = 200;

    /// <summary>From one window to the next: a quarter of the work, and the smallest usual window still covers every pixel.</summary>
    public const int Stride = 2;

    // Part of all ink that the box holds: the rest are strokes that end far out.
    private const double InBox = 0.95;

    /// <summary>Why images cannot be judged by; null: they can.</summary>
    public static string? Unfit(Model model, LabelledImages? images) =>
        images is null || images.Count == 0 ? "there are no test images to judge by"
        : images.ImageShape != model.Network.InputShape ? $"the test images are {images.ImageShape}, the model takes {model.Network.InputShape}"
        : images.Labels.Any(label => label >= model.Classes) ? "the test images have classes that the model does not know"
        : null;

    /// <summary>Which pixels of each image are ink.</summary>
    public static bool[][] InkOf(LabelledImages images) => [.. Enumerable.Range(0, images.Count).Select(i => StudyImages.Of(images, i)).Select(image => Enumerable.Range(0, images.Height * images.Width).Select(image.IsInk).ToArray())];

    /// <summary>How many windows <see cref="Of"/> works on.</summary>
    public static int WorkOf(LabelledImages images, int[] sizes) => 2 * images.Count * WindowsOf(images, sizes).Sum(w => w.Count);

    /// <summary>Covers every image, for the network and for untrained ones, which share the images among them.</summary>
    /// <param name="predictor">The network.</param>
    /// <param name="images">The images.</param>
    /// <param name="ink">Which pixels of each count as its own ink.</param>
    /// <param name="options">Sizes, fill and the fill's seed; the stride is another here.</param>
    /// <param name="progress">Told what is worked on, and how many windows are done.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    public static OcclusionNulls Of(Predictor predictor, LabelledImages images, IReadOnlyList<bool[]> ink, OcclusionOptions options, Action<string, int> progress, CancellationToken cancellation)
    {
        OcclusionWindows[] windows = WindowsOf(images, options.Sizes);
        ImageRegion box = BoxOf(ink, images.Height, images.Width);
        double[] even = EvenOn(box, images.Height, images.Width);
        int[] all = [.. Enumerable.Range(0, images.Count)];
        int done = 0;
        var judged = new JudgedImage[images.Count];
        Each(predictor, "the network", all, (i, whole, maps) =>
        {
            double[][] drops = [.. maps.Select((map, s) => OcclusionStudy.DropOf(windows[s], map, whole))];
            int other = all.Select(step => (i + step) % images.Count).FirstOrDefault(j => images.Labels[j] != images.Labels[i], i);
            double? own = RatioOf(drops, ink[i]);
            judged[i] = new JudgedImage(
                i, whole, [.. maps.Select(m => m.Average(v => (double)v))], own,
                own is null || other == i ? null : RatioOf(drops, ink[other]),
                own is null ? null : RatioOf([even], ink[i]), 0, null);
        });
        for (ulong seed = 1; seed <= Untrained.Seeds; seed++)
        {
            using var untrained = new Predictor(predictor.Device, Untrained.Of(predictor.Model, seed));
            Each(untrained, "untrained weights", [.. all.Where(i => (ulong)(i % Untrained.Seeds) + 1 == seed)], (i, whole, maps) =>
                judged[i] = judged[i] with { Seed = seed, Untrained = RatioOf([.. maps.Select((map, s) => OcclusionStudy.DropOf(windows[s], map, whole))], ink[i]) });
        }
        return new OcclusionNulls(Stride, box, judged);

        void Each(Predictor network, string name, int[] which, Action<int, double, float[][]> take)
        {
            using var arena = new DeviceArena(network.Device);
            var occluder = new Occluder(network, arena);
            foreach (int i in which)
            {
                StudyImage image = StudyImages.Of(images, i);
                int label = images.Labels[i], classes = network.Model.Classes;
                double whole = occluder.Load(image, Cover.Of(options.Fill, image, network.Model, options.Seed)).Probabilities[label];
                var maps = new float[windows.Length][];
                for (int s = 0; s < maps.Length; s++)
                {
                    float[] probabilities = occluder.Probabilities(windows[s], first => progress($"{image.Name}, {name}", done + first), cancellation);
                    maps[s] = [.. Enumerable.Range(0, windows[s].Count).Select(w => probabilities[w * classes + label])];
                    done += windows[s].Count;
                }
                take(i, whole, maps);
            }
        }
    }

    /// <summary>The share of what is lost on a mask to the mask's share of the area, the mean over the sizes by which anything is lost; null: by none, or the mask is empty.</summary>
    public static double? RatioOf(IReadOnlyList<double[]> drops, bool[] mask)
    {
        double?[] ratios = [.. drops.Select(drop => OcclusionStudy.ShareOn(drop, mask) / (mask.Where((m, p) => m && !double.IsNaN(drop[p])).Count() / (double)drop.Count(d => !double.IsNaN(d))))];
        return ratios.Where(r => r is { } value && double.IsFinite(value)).Average();
    }

    // Sharper than what is seen through windows, which blur: harder to beat than a network that needs all of the box alike.
    private static double[] EvenOn(ImageRegion box, int height, int width) =>
        [.. Enumerable.Range(0, height * width).Select(p => p / width >= box.Top && p / width < box.Bottom && p % width >= box.Left && p % width < box.Right ? 1.0 : 0)];

    private static OcclusionWindows[] WindowsOf(LabelledImages images, int[] sizes) => [.. sizes.Select(size => OcclusionStudy.Windows(images.ImageShape, size, Stride))];

    /// <summary>The smallest rectangle that holds enough of all images' ink; of several the uppermost.</summary>
    public static ImageRegion BoxOf(IReadOnlyList<bool[]> ink, int height, int width)
    {
        int[] counts = [.. Enumerable.Range(0, height * width).Select(p => ink.Count(mask => mask[p]))];
        double needed = InBox * counts.Sum();
        var best = new ImageRegion(0, 0, height, width);
        for (int top = 0; top < height; top++)
        {
            var columns = new int[width];
            for (int bottom = top; bottom < height; bottom++)
            {
                for (int x = 0; x < width; x++) columns[x] += counts[bottom * width + x];
                // For each right end, the leftmost columns go as long as what is left suffices.
                for (int left = 0, right = 0, held = 0; right < width; right++)
                {
                    held += columns[right];
                    while (left < right && held - columns[left] >= needed) held -= columns[left++];
                    var box = new ImageRegion(top, left, bottom - top + 1, right - left + 1);
                    if (held >= needed && box.Height * box.Width < best.Height * best.Width) best = box;
                }
            }
        }
        return best;
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The probability of an image's class while a window is moved over it (Zeiler and Fergus 2014, section 4.2). The covered images are made on the device.
/// </summary>
internal static class OcclusionStudy
{
    // Below this a probability has lost nothing that could be shared out.
    private const double LeastDrop = 1e-4;

    /// <summary>Covers the images, and for the claims many of the test images; without any no claim is settled.</summary>
    public static OcclusionResult Run(Predictor predictor, IReadOnlyList<StudyImage> images, LabelledImages? test, OcclusionOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        Require(predictor.Model.Network.InputShape, options);
        string? unfit = InkComparison.Unfit(predictor.Model, test);
        test = unfit is null ? test!.First(Math.Min(test.Count, InkComparison.MostImages)) : null;
        using var arena = new DeviceArena(predictor.Device);
        var occluder = new Occluder(predictor, arena);
        int done = 0, total = images.Count * options.Sizes.Sum(size => Windows(predictor.Model.Network.InputShape, size, options.Stride).Count)
            + (test is null ? 0 : InkComparison.WorkOf(test, options.Sizes));
        var results = new List<OccludedImage>();
        foreach (StudyImage image in images)
        {
            (int predicted, float[] probabilities) = occluder.Load(image, Cover.Of(options.Fill, image, predictor.Model, options.Seed));
            int followed = image.Label ?? predicted;
            var sizes = new List<OccludedSize>();
            foreach (int size in options.Sizes)
            {
                OcclusionWindows windows = Windows(image.Shape, size, options.Stride);
                float[] all = occluder.Probabilities(windows, first => progress(new StudyProgress($"{image.Name}, window {size}", done + first, total)), cancellation);
                sizes.Add(SizeOf(image, windows, all, followed, probabilities[followed]));
                done += windows.Count;
            }
            int pixels = image.Shape[1] * image.Shape[2];
            double ink = Enumerable.Range(0, pixels).Count(image.IsInk) / (double)pixels;
            results.Add(new OccludedImage(image.Name, image.Index, image.Label, predicted, followed, probabilities[followed], ink, sizes));
        }
        SizeSummary[] summary = [.. options.Sizes.Select((_, i) => Summarise([.. results.Select(r => (r.Predicted, r.Sizes[i]))]))];
        OcclusionNulls? nulls = test is null ? null : InkComparison.Of(predictor, test, InkComparison.InkOf(test), options, (now, windows) => progress(new StudyProgress(now, done + windows, total)), cancellation);
        return new OcclusionResult(options.Fill, options.Stride, summary, OcclusionClaims.Check(options.Sizes, nulls, unfit), nulls, results);
    }

    public static OcclusionWindows Windows(Shape image, int size, int stride) => new(image[1], image[2], size, stride);

    /// <summary>The usual sizes of windows, of these what fits an image.</summary>
    public static int[] SizesFor(Shape image) => image.Rank == 3 ? [.. new OcclusionOptions().Sizes.Where(s => s <= Math.Min(image[1], image[2])).DefaultIfEmpty(1)] : new OcclusionOptions().Sizes;

    private static void Require(Shape image, OcclusionOptions options)
    {
        if (image.Rank != 3) throw new RequestException($"The model takes {image}: occlusion is for networks of images (channels, height, width).");
        int largest = Math.Min(image[1], image[2]);
        foreach (int size in options.Sizes)
            if (size < 1 || size > largest) throw new RequestException($"--sizes: a window of {size} is not inside images of {image[1]} x {image[2]}; from 1 to {largest}.");
        if (options.Sizes.Length == 0 || options.Sizes.Distinct().Count() < options.Sizes.Length) throw new RequestException("--sizes: each size once, at least one.");
        if (options.Stride < 1) throw new RequestException($"--stride {options.Stride}: at least 1.");
    }

    private static OccludedSize SizeOf(StudyImage image, OcclusionWindows windows, float[] probabilities, int followed, double whole)
    {
        int classes = probabilities.Length / windows.Count;
        float Value(int row, int column) => probabilities[(row * windows.Columns + column) * classes + followed];
        float[][] map = [.. Enumerable.Range(0, windows.Rows).Select(r => Enumerable.Range(0, windows.Columns).Select(c => Value(r, c)).ToArray())];
        int[][] predicted = [.. Enumerable.Range(0, windows.Rows).Select(r => Enumerable.Range(0, windows.Columns).Select(c => Predictor.MostProbable(probabilities.AsSpan((r * windows.Columns + c) * classes, classes))).ToArray())];
        double[] drop = DropOf(windows, [.. map.SelectMany(r => r)], whole);
        double? share = ShareOn(drop, [.. Enumerable.Range(0, drop.Length).Select(image.IsInk)]);
        return new OccludedSize(windows.Size, map.SelectMany(r => r).Average(v => (double)v), map.SelectMany(r => r).Min(), share, map, predicted);
    }

    /// <summary>What the probability loses by the windows over each pixel, in the mean; NaN where none is.</summary>
    public static double[] DropOf(OcclusionWindows windows, float[] map, double whole) => windows.PerPixel((r, c) => Math.Max(0, whole - map[r * windows.Columns + c]));

    /// <summary>Of what is lost, the share that lies on a mask; null: nothing is lost.</summary>
    public static double? ShareOn(double[] drop, bool[] mask)
    {
        double lost = 0, on = 0;
        for (int pixel = 0; pixel < drop.Length; pixel++)
        {
            if (double.IsNaN(drop[pixel])) continue;
            lost += drop[pixel];
            if (mask[pixel]) on += drop[pixel];
        }
        return lost < LeastDrop ? null : on / lost;
    }

    private static SizeSummary Summarise((int Predicted, OccludedSize Size)[] images)
    {
        float[] all = [.. images.SelectMany(i => i.Size.Map).SelectMany(row => row)];
        double?[] shares = [.. images.Select(i => i.Size.InkShareOfDrop).Where(s => s is not null)];
        double lost = images.Count(i => i.Size.PredictedMap.Any(row => row.Any(p => p != i.Predicted))) / (double)images.Length;
        return new SizeSummary(images[0].Size.Size, all.Average(v => (double)v), all.Min(), lost, shares.Length == 0 ? null : shares.Average());
    }
}

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

    public static OcclusionResult Run(Predictor predictor, IReadOnlyList<StudyImage> images, OcclusionOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        Require(predictor.Model.Network.InputShape, options);
        using var arena = new DeviceArena(predictor.Device);
        var occluder = new Occluder(predictor, arena);
        int done = 0, total = images.Count * options.Sizes.Sum(size => Windows(predictor.Model.Network.InputShape, size, options.Stride).Count);
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
        return new OcclusionResult(options.Fill, options.Stride, summary, OcclusionClaims.Check(summary, results), results);
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
        double[] drop = windows.PerPixel((r, c) => Math.Max(0, whole - map[r][c]));
        double lost = 0, onInk = 0;
        for (int pixel = 0; pixel < drop.Length; pixel++)
        {
            if (double.IsNaN(drop[pixel])) continue;
            lost += drop[pixel];
            if (image.IsInk(pixel)) onInk += drop[pixel];
        }
        return new OccludedSize(windows.Size, map.SelectMany(r => r).Average(v => (double)v), map.SelectMany(r => r).Min(), lost < LeastDrop ? null : onInk / lost, map, predicted);
    }

    private static SizeSummary Summarise((int Predicted, OccludedSize Size)[] images)
    {
        float[] all = [.. images.SelectMany(i => i.Size.Map).SelectMany(row => row)];
        double?[] shares = [.. images.Select(i => i.Size.InkShareOfDrop).Where(s => s is not null)];
        double lost = images.Count(i => i.Size.PredictedMap.Any(row => row.Any(p => p != i.Predicted))) / (double)images.Length;
        return new SizeSummary(images[0].Size.Size, all.Average(v => (double)v), all.Min(), lost, shares.Length == 0 ? null : shares.Average());
    }

    /// <summary>An image and its cover on the device.</summary>
    private sealed class Occluder(Predictor predictor, DeviceArena arena)
    {
        private readonly Occlusion occlusion = new(predictor.Device);
        private readonly Tensor<float> image = arena.Allocate<float>(predictor.Model.Network.InputShape);
        private readonly Tensor<float> cover = arena.Allocate<float>(predictor.Model.Network.InputShape);

        // The predicted class and all probabilities when nothing is covered.
        public (int Predicted, float[] Probabilities) Load(StudyImage study, float[] covering)
        {
            image.CopyFrom(predictor.Model.Normalised(study.Pixels));
            cover.CopyFrom([.. covering.Select(predictor.Model.Normalised)]);
            float[] probabilities = predictor.Probabilities(1, (_, input) => input.CopyFrom(image));
            return (Predictor.MostProbable(probabilities), probabilities);
        }

        public float[] Probabilities(OcclusionWindows windows, Action<int> progress, CancellationToken cancellation) => predictor.Probabilities(
            windows.Count,
            (first, input) =>
            {
                progress(first);
                occlusion.Forward(image, cover, windows, first, input);
            },
            cancellation);
    }
}

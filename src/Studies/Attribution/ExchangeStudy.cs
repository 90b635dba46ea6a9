using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Deletion and insertion (Petsiuk, Das, Saenko 2018, arXiv 1806.07421, section 4.2): the probability of the class while the image's pixels are exchanged for
/// the baseline's, the most important first, and while they come in the baseline's place; beside them random orders. Where a map has one value for several pixels, as Grad-CAM's has for whole blocks,
/// its curves are means over as many orders of these. The images are made on the device.
/// </summary>
internal static class ExchangeStudy
{
    /// <summary>Random orders for each image.</summary>
    public const int RandomOrders = 5;

    private const ulong OrderStream = 11;

    /// <summary>The curves of each method's map of each image, and the mean over random orders and images.</summary>
    public static (ExchangeCurves[][] ByMethod, ExchangeCurves Random) Run(
        Predictor predictor, int count, float[] inputs, float[] baselines, int[] targets, float[][][] maps, AttributeOptions options, Action imageDone, CancellationToken cancellation)
    {
        Shape shape = predictor.Model.Network.InputShape;
        int pixels = shape[1] * shape[2];
        using var arena = new DeviceArena(predictor.Device);
        var exchange = new PixelExchange(predictor.Device);
        Tensor<float> image = arena.Allocate<float>(shape), baseline = arena.Allocate<float>(shape);
        Tensor<int> ranks = arena.Allocate<int>(new Shape((maps.Length + 1) * RandomOrders, shape[1], shape[2]));
        ExchangeCurves[][] curves = [.. maps.Select(_ => new ExchangeCurves[count])];
        var random = new List<ExchangeCurves>();
        for (int i = 0; i < count; i++)
        {
            image.CopyFrom(inputs.AsSpan(i * shape.Count, shape.Count));
            baseline.CopyFrom(baselines.AsSpan(i * shape.Count, shape.Count));
            var sequence = new RandomSequence(options.Seed, OrderStream + ((ulong)i << 32));
            int[][] chance = [.. Enumerable.Range(0, RandomOrders).Select(_ => Permutation(sequence, pixels))];
            (int Map, int[] Ranks)[] orders = [.. maps.SelectMany((m, k) => chance.Take(HasTies(m[i]) ? RandomOrders : 1).Select(order => (k, Ranks(m[i], order)))), .. chance.Select(order => (maps.Length, Inverse(order)))];
            Tensor<int> ranked = ranks.First(orders.Length);
            ranked.CopyFrom([.. orders.SelectMany(o => o.Ranks)]);
            var copies = new SampleCopies(orders.Length, options.CurveSteps + 1);
            float[] deletion = Follow(ranked, copies, image, baseline, targets[i]), insertion = Follow(ranked, copies, baseline, image, targets[i]);
            ExchangeCurves[][] found = [.. orders.Select((o, n) => (o.Map, Curves: Of([.. Part(copies, deletion, n)], [.. Part(copies, insertion, n)]))).GroupBy(f => f.Map, f => f.Curves).Select(g => g.ToArray())];
            for (int k = 0; k < maps.Length; k++) curves[k][i] = Mean(found[k]);
            random.AddRange(found[maps.Length]);
            imageDone();
        }
        return (curves, Mean(random));

        float[] Follow(Tensor<int> ranked, SampleCopies copies, Tensor<float> from, Tensor<float> to, int target)
        {
            float[] all = predictor.Probabilities(copies.Count, (first, x) => exchange.Forward(from, to, ranked, copies, first, x), cancellation);
            int classes = all.Length / copies.Count;
            return [.. Enumerable.Range(0, copies.Count).Select(n => all[n * classes + target])];
        }

        static IEnumerable<double> Part(SampleCopies copies, float[] all, int k) => all.Skip(k * copies.Copies).Take(copies.Copies).Select(v => (double)v);
    }

    /// <summary>The mean of several curves.</summary>
    public static ExchangeCurves Mean(IReadOnlyList<ExchangeCurves> curves)
    {
        double[] Of(Func<ExchangeCurves, double[]> which) => [.. Enumerable.Range(0, which(curves[0]).Length).Select(k => curves.Average(c => which(c)[k]))];
        return ExchangeStudy.Of(Of(c => c.Deletion), Of(c => c.Insertion));
    }

    private static bool HasTies(float[] map) => map.Distinct().Count() < map.Length;

    /// <summary>Each pixel's place when the largest values come first; equal ones in the order of <paramref name="chance"/>, so that no side of the image is preferred.</summary>
    public static int[] Ranks(float[] map, int[] chance) => Inverse([.. chance.OrderByDescending(pixel => map[pixel])]);

    private static ExchangeCurves Of(double[] deletion, double[] insertion) => new(Area(deletion), Area(insertion), deletion, insertion);

    // By trapezoids, over the share of pixels.
    private static double Area(double[] curve) => Enumerable.Range(1, curve.Length - 1).Average(k => (curve[k - 1] + curve[k]) / 2);

    private static int[] Permutation(RandomSequence sequence, int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        sequence.Shuffle(order);
        return order;
    }

    private static int[] Inverse(int[] order)
    {
        var ranks = new int[order.Length];
        for (int place = 0; place < order.Length; place++) ranks[order[place]] = place;
        return ranks;
    }
}

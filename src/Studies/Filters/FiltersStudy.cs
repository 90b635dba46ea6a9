using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What the filters of a network's convolutions are, and what its layers do to images' spatial frequencies.</summary>
internal static class FiltersStudy
{
    private const int Batch = 50;

    /// <summary>The names of --sort.</summary>
    public static string[] Orders => ["energy", "orientation", "index"];

    public static FiltersResult Run(Device device, Model model, LabelledImages images, int count, string order, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        Node[] convolutions = [.. model.Network.Nodes.Where(n => n.Layer is Conv2DLayer)];
        if (convolutions.Length == 0) throw new RequestException("The model has no convolution, so no filters.");
        FilterLayer[] layers = [.. convolutions.Select(n => LayerOf(n, model.Weights, order))];
        int total = count + FilterNulls.WorkFor(count);
        IReadOnlyList<StageEnergy> stages = Energies(device, model, images, count, Shown(model.Network), done => progress(new StudyProgress("energy by frequency", done, total)), cancellation);
        IReadOnlyList<FilterNull> nulls = FilterNulls.Of(device, model, images, count, done => progress(new StudyProgress("untrained networks", count + done, total)), cancellation);
        return new FiltersResult(layers, stages, count, FilterClaims.Check(nulls), nulls);
    }

    /// <summary>A convolution's filters.</summary>
    public static FilterLayer LayerOf(Node node, Weights weights, string order)
    {
        Parameter parameter = node.Parameters[0];
        float[] values = weights.Arrays.First(a => a.Name == parameter.Name).Values;
        int filters = parameter.Shape[0], size = parameter.Shape.Count / filters, height = parameter.Shape[2], width = parameter.Shape[3];
        IEnumerable<FilterFigures> figures = Enumerable.Range(0, filters).Select(i =>
        {
            float[] own = values[(i * size)..((i + 1) * size)];
            var response = FrequencyResponse.Of(own, height, width);
            return new FilterFigures(i, response.GainZero, response.GainHigh, response.Kind, response.OrientationDegrees, response.Coherence, own.Sum(w => (double)w * w)) { Weights = own, Response = response };
        });
        FilterFigures[] sorted = order switch
        {
            "energy" => [.. figures.OrderByDescending(f => f.Energy)],
            "orientation" => [.. figures.OrderBy(f => f.OrientationDegrees)],
            _ => [.. figures],
        };
        double Share(string kind) => sorted.Count(f => f.Kind == kind) / (double)filters;
        return new FilterLayer(node.Name, new KindShares(Share("low-pass"), Share("band-pass"), Share("high-pass")), sorted) { Kernel = (parameter.Shape[1], height, width) };
    }

    // The input and all outputs that are images.
    private static Place[] Shown(Network network) =>
        [.. Enumerable.Range(-1, network.Nodes.Count + 1).Select(i => Place.Whole(network, i)).Where((p, i) => i == 0 || p is { Shape: { Rank: 3 } shape } && shape[1] > 1 && shape[2] > 1)];

    /// <summary>The energy by frequency at places of the network. Image by image on all processors, added in the images' order: the same bits on any number of them.</summary>
    public static List<StageEnergy> Energies(Device device, Model model, LabelledImages images, int count, IReadOnlyList<Place> places, Action<int> progress, CancellationToken cancellation)
    {
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
        parameters.Load(model.Weights);
        var plan = new Plan(arena, parameters, Math.Min(Batch, count), PlanPurpose.Infer, layerByLayer: true);
        FrequencyEnergy[] transforms = [.. places.Select(p => new FrequencyEnergy(p.Region.Height, p.Region.Width))];
        double[][] sums = [.. transforms.Select(t => t.NewSums())];

        int size = model.Network.InputShape.Count;
        for (int start = 0; start < count; start += plan.MaxBatch)
        {
            progress(start);
            int batch = Math.Min(plan.MaxBatch, count - start);
            plan.Input.First(batch).CopyFrom(model.Normalised(images.Pixels.AsSpan(start * size, batch * size)));
            plan.Forward(batch, toScores: true);
            for (int s = 0; s < places.Count; s++)
            {
                cancellation.ThrowIfCancellationRequested();
                Place place = places[s];
                float[] values = (place.Node < 0 ? plan.Input : plan.OutputOf(place.Node)).First(batch).ToArray();
                int channels = place.Shape[0];
                var each = new double[batch][];
                FrequencyEnergy transform = transforms[s];
                Parallel.For(0, batch, n =>
                {
                    each[n] = transform.NewSums();
                    for (int c = 0; c < channels; c++) transform.Add(place.Cut(values, n * channels + c), each[n]);
                });
                foreach (double[] one in each)
                    for (int r = 0; r < one.Length; r++) sums[s][r] += one[r];
            }
        }
        return [.. places.Select((p, i) => StageOf(p, sums[i], count))];
    }

    private static StageEnergy StageOf(Place place, double[] sums, int count)
    {
        double all = sums.SkipLast(1).Sum(), rest = all - sums[0];
        double[] rings = [.. sums.Skip(1).SkipLast(1).Select(s => rest > 0 ? s / rest : 0)];
        double values = (double)count * place.Shape[0] * place.Region.Height * place.Region.Width;
        return new StageEnergy(place.Name, all / values, all > 0 ? sums[0] / all : 0, rings, rest > 0 ? sums[^1] / rest : 0);
    }

    /// <summary>Where the images' energy is taken.</summary>
    /// <param name="Name">The layer, or <c>input</c>.</param>
    /// <param name="Node">Its position in the network; -1: the input.</param>
    /// <param name="Shape">The shape of its output.</param>
    /// <param name="Region">The part of each map that counts.</param>
    internal sealed record Place(string Name, int Node, Shape Shape, ImageRegion Region)
    {
        /// <summary>All of each map.</summary>
        public static Place Whole(Network network, int node)
        {
            Shape shape = node < 0 ? network.InputShape : network.Nodes[node].OutputShape;
            return new Place(node < 0 ? "input" : network.Nodes[node].Name, node, shape, shape.Rank == 3 ? new ImageRegion(0, 0, shape[1], shape[2]) : default);
        }

        /// <summary>The part of one of many maps.</summary>
        public ReadOnlySpan<float> Cut(float[] maps, int map)
        {
            int height = Shape[1], width = Shape[2], first = map * height * width;
            if (Region.Height == height && Region.Width == width) return maps.AsSpan(first, height * width);
            var part = new float[Region.Height * Region.Width];
            for (int y = 0; y < Region.Height; y++) maps.AsSpan(first + (Region.Top + y) * width + Region.Left, Region.Width).CopyTo(part.AsSpan(y * Region.Width));
            return part;
        }
    }
}

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
        IReadOnlyList<StageEnergy> stages = Energies(device, model, images, count, progress, cancellation);
        return new FiltersResult(layers, stages, count, FilterClaims.Check(layers, stages, model.Network));
    }

    private static FilterLayer LayerOf(Node node, Weights weights, string order)
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

    // Image by image on all processors, added in the images' order: the same bits on any number of them.
    private static List<StageEnergy> Energies(Device device, Model model, LabelledImages images, int count, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
        parameters.Load(model.Weights);
        var plan = new Plan(arena, parameters, Math.Min(Batch, count), PlanPurpose.Infer, layerByLayer: true);
        IReadOnlyList<Node> nodes = model.Network.Nodes;
        int[] shown = [.. Enumerable.Range(0, nodes.Count).Where(i => nodes[i].OutputShape.Rank == 3 && nodes[i].OutputShape[1] > 1 && nodes[i].OutputShape[2] > 1)];
        var stages = new List<(string Name, Shape Shape, Tensor<float> Values)> { ("input", model.Network.InputShape, plan.Input) };
        stages.AddRange(shown.Select(i => (nodes[i].Name, nodes[i].OutputShape, plan.OutputOf(i))));
        FrequencyEnergy[] transforms = [.. stages.Select(s => new FrequencyEnergy(s.Shape[1], s.Shape[2]))];
        double[][] sums = [.. transforms.Select(t => t.NewSums())];

        int size = model.Network.InputShape.Count;
        for (int start = 0; start < count; start += plan.MaxBatch)
        {
            progress(new StudyProgress("energy by frequency", start, count));
            int batch = Math.Min(plan.MaxBatch, count - start);
            plan.Input.First(batch).CopyFrom(model.Normalised(images.Pixels.AsSpan(start * size, batch * size)));
            plan.Forward(batch, toScores: true);
            for (int s = 0; s < stages.Count; s++)
            {
                cancellation.ThrowIfCancellationRequested();
                (_, Shape shape, Tensor<float> tensor) = stages[s];
                float[] values = tensor.First(batch).ToArray();
                int plane = shape[1] * shape[2], channels = shape[0];
                var each = new double[batch][];
                FrequencyEnergy transform = transforms[s];
                Parallel.For(0, batch, n =>
                {
                    each[n] = transform.NewSums();
                    for (int c = 0; c < channels; c++) transform.Add(values.AsSpan((n * channels + c) * plane, plane), each[n]);
                });
                foreach (double[] one in each)
                    for (int r = 0; r < one.Length; r++) sums[s][r] += one[r];
            }
        }
        return [.. stages.Select((s, i) => StageOf(s.Name, s.Shape, sums[i], count))];
    }

    private static StageEnergy StageOf(string name, Shape shape, double[] sums, int count)
    {
        double all = sums.SkipLast(1).Sum(), rest = all - sums[0];
        double[] rings = [.. sums.Skip(1).SkipLast(1).Select(s => rest > 0 ? s / rest : 0)];
        return new StageEnergy(name, all / ((double)count * shape.Count), all > 0 ? sums[0] / all : 0, rings, rest > 0 ? sums[^1] / rest : 0);
    }
}

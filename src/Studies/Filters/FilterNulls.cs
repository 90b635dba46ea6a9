using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The first two convolutions beside those of untrained networks of the same layers: what a claim of filters is judged by. Filters of random weights are
/// mostly high- or band-pass, as these bands are most of all frequencies, and zero padding puts an edge around each image: neither has been learnt.
/// </summary>
internal static class FilterNulls
{
    // The networks differ by far more than the images do.
    private const int MostImages = 300;

    // A convolution that reads or leaves fewer rows or columns has no frequencies that could be told apart.
    private const int LeastSide = 4;

    /// <summary>How many images <see cref="Of"/> works on, of all networks.</summary>
    public static int WorkFor(int count) => (Untrained.Seeds + 1) * Math.Min(count, MostImages);

    /// <summary>Measures the network and untrained ones on the same images.</summary>
    public static IReadOnlyList<FilterNull> Of(Device device, Model model, LabelledImages images, int count, Action<int> progress, CancellationToken cancellation)
    {
        Network network = model.Network;
        int[] convolutions = [.. Enumerable.Range(0, network.Nodes.Count).Where(i => network.Nodes[i].Layer is Conv2DLayer).Take(2)];
        (FiltersStudy.Place Before, FiltersStudy.Place After)?[] places = [.. convolutions.Select(i => PlacesOf(network, i))];
        FiltersStudy.Place[] all = [.. places.OfType<(FiltersStudy.Place Before, FiltersStudy.Place After)>().SelectMany(p => (FiltersStudy.Place[])[p.Before, p.After])];
        int done = 0;
        count = Math.Min(count, MostImages);
        FrequencyChange?[] changes = ChangesOf(model);
        Model[] untrained = [.. Enumerable.Range(1, Untrained.Seeds).Select(seed => Untrained.Of(model, (ulong)seed))];
        FrequencyChange?[][] untrainedChanges = [.. untrained.Select(ChangesOf)];
        return [.. convolutions.Select((node, i) =>
        {
            FilterLayer LayerOf(Weights weights) => FiltersStudy.LayerOf(network.Nodes[node], weights, "index");
            FilterLayer own = LayerOf(model.Weights);
            KindShares[] shares = [.. untrained.Select(m => LayerOf(m.Weights).Shares)];
            return new FilterNull(
                own.Name, own.Filters.Count, own.Shares, new KindShares(shares.Average(s => s.LowPass), shares.Average(s => s.BandPass), shares.Average(s => s.HighPass)), Untrained.Seeds,
                changes[i], [.. untrainedChanges.Select(c => c[i]?.Relative).OfType<double>()]);
        })];

        FrequencyChange?[] ChangesOf(Model of)
        {
            if (all.Length == 0) return new FrequencyChange?[convolutions.Length];
            List<StageEnergy> energies = FiltersStudy.Energies(device, of.UpTo(convolutions[^1]), images, count, all, images => progress(done + images), cancellation);
            done += count;
            var next = new Queue<StageEnergy>(energies);
            return [.. places.Select(p => p is { } at ? new FrequencyChange(at.Before.Name, count, at.After.Region, next.Dequeue().MeanFrequency, next.Dequeue().MeanFrequency) : null)];
        }
    }

    // What a convolution leaves where no padding reaches, its own or that of layers before it, and what it reads under that; null: less than has frequencies.
    private static (FiltersStudy.Place Before, FiltersStudy.Place After)? PlacesOf(Network network, int node)
    {
        WindowOptions window = ((Conv2DLayer)network.Nodes[node].Layer).Window;
        FiltersStudy.Place before = FiltersStudy.Place.Whole(network, network.Nodes[node].Inputs[0]), after = FiltersStudy.Place.Whole(network, node);
        ImageRegion clean = CleanOf(network, node);
        // The pixels under the middles of the kernels: without strides as many as the convolution leaves.
        int top = clean.Top * window.StrideHeight - window.PadTop + window.DilationHeight * (window.KernelHeight - 1) / 2;
        int left = clean.Left * window.StrideWidth - window.PadLeft + window.DilationWidth * (window.KernelWidth - 1) / 2;
        ImageRegion under = new ImageRegion(top, left, clean.Height * window.StrideHeight, clean.Width * window.StrideWidth).Within(before.Shape[1], before.Shape[2]);
        return new[] { clean.Height, clean.Width, under.Height, under.Width }.Min() < LeastSide ? null : (before with { Region = under }, after with { Region = clean });
    }

    /// <summary>The part of a layer's output whose units see pixels only, no padding.</summary>
    public static ImageRegion CleanOf(Network network, int node)
    {
        Shape input = network.InputShape, output = network.Nodes[node].OutputShape;
        int[] rows = [.. Enumerable.Range(0, output[1]).Where(r => ReceptiveField.Window(network, node, r, 0) is var seen && seen.Top >= 0 && seen.Bottom <= input[1])];
        int[] columns = [.. Enumerable.Range(0, output[2]).Where(c => ReceptiveField.Window(network, node, 0, c) is var seen && seen.Left >= 0 && seen.Right <= input[2])];
        return rows.Length == 0 || columns.Length == 0 ? default : new ImageRegion(rows[0], columns[0], rows.Length, columns.Length);
    }
}

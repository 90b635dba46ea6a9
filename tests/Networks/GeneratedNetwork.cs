using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Networks of every kind of layer with odd sizes, with branches, sums and names of their own; a function of a seed.</summary>
internal static class GeneratedNetwork
{
    public static Network Of(int seed)
    {
        var random = new Random(seed);
        var input = new Shape(random.Next(1, 4), random.Next(7, 14), random.Next(7, 14));
        var builder = new NetworkBuilder(input);
        var shapes = new List<(string Name, Shape Shape)>();
        int layers = random.Next(2, 9);
        for (int i = 0; i < layers; i++) Add(ImageLayer(), BranchPoint());
        // Branches of one shape meet again; what is read nowhere is joined at the end by its global average.
        Add(new GlobalPoolLayer(random.Next(2) == 0));
        Add(new LinearLayer(6, random.Next(2) == 0));
        foreach (string lost in Lost())
        {
            string before = shapes[^1].Name;
            Add(new GlobalPoolLayer(random.Next(2) == 0), lost);
            Add(new LinearLayer(6));
            Add(new AddLayer(before));
        }
        if (random.Next(2) == 0) Add(new DropoutLayer(0.1f * random.Next(1, 9)));
        if (random.Next(2) == 0) Add(new ActivationLayer(ActivationKind.Sigmoid));
        Add(new LinearLayer(random.Next(2, 5)));
        Add(new SoftmaxLayer(IsLogarithm: random.Next(2) == 0));
        return builder.Build();

        string? BranchPoint() => random.Next(4) > 0 || shapes.Count == 0 ? null : random.Next(5) == 0 ? "input" : shapes[random.Next(shapes.Count)].Name;

        void Add(ILayer layer, string? from = null)
        {
            string? name = random.Next(4) == 0 ? $"block{shapes.Count}.{random.Next(3)}" : null;
            if (layer is AddLayer { Other: var other } && from is null && Shape(other) != Shape(null)) return;
            try
            {
                builder.Append(layer, name, from);
            }
            catch (NetworkException) when (from is not null)
            {
                return;
            }
            Node node = builder.Build().Nodes[^1];
            shapes.Add((node.Name, node.OutputShape));
        }

        Shape Shape(string? name) => name is null ? shapes[^1].Shape : shapes.Single(s => s.Name == name).Shape;

        IEnumerable<string> Lost()
        {
            Network network = builder.Build();
            HashSet<int> read = [.. network.Nodes.SelectMany(n => n.Inputs)];
            return [.. network.Nodes.Where((n, i) => i < network.Nodes.Count - 1 && !read.Contains(i)).Select(n => n.Name)];
        }

        ILayer ImageLayer()
        {
            Shape last = shapes.Count == 0 ? input : shapes[^1].Shape;
            string[] alike = [.. shapes.SkipLast(1).Where(s => s.Shape == last).Select(s => s.Name)];
            switch (random.Next(9))
            {
                case 0 or 1 or 2:
                    int groups = last[0] % 2 == 0 && random.Next(2) == 0 ? 2 : 1;
                    return new Conv2DLayer { Filters = 2 * random.Next(1, 4), Groups = groups, Bias = random.Next(2) == 0, Window = Window(1, last) };
                case 3: return new BatchNormalizationLayer { Epsilon = random.Next(2) == 0 ? 1e-5f : 0.001f, Momentum = random.Next(2) == 0 ? 0.1f : 0.3f };
                case 4: return new ActivationLayer((ActivationKind)random.Next(4), random.Next(2) == 0 ? 0.01f : 0.2f) is { Kind: not ActivationKind.LeakyRelu } plain ? plain with { Slope = 0.01f } : new ActivationLayer(ActivationKind.LeakyRelu, 0.3f);
                case 5: return new MaxPool2DLayer { Window = Window(2, last), CeilMode = random.Next(2) == 0 };
                case 6: return new AveragePool2DLayer { Window = Window(2, last), CeilMode = random.Next(2) == 0, CountPadding = random.Next(2) == 0 };
                case 7 when alike.Length > 0: return new AddLayer(alike[random.Next(alike.Length)]);
                default: return new ActivationLayer(ActivationKind.Relu);
            }
        }

        // Of at most half the map, so that something is left.
        WindowOptions Window(int least, Shape on)
        {
            int height = Math.Min(random.Next(least, 4), Math.Max(1, on[1] / 2)), width = Math.Min(random.Next(least, 4), Math.Max(1, on[2] / 2));
            int most = Math.Max(0, Math.Min(height, width) / 2);
            return new WindowOptions(height, width)
            {
                StrideHeight = random.Next(1, 3),
                StrideWidth = random.Next(1, 3),
                PadTop = random.Next(most + 1),
                PadLeft = random.Next(most + 1),
                PadBottom = random.Next(most + 1),
                PadRight = random.Next(most + 1),
            };
        }
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>A network of one linear layer, whose scores and gradients are a formula: the gradient of a score to the pixels is the class's weights over the deviation, everywhere.</summary>
internal sealed class LinearModel
{
    public const int Channels = 1, Height = 4, Width = 5, Classes = 3, Size = Channels * Height * Width;

    public const float Mean = 0.25f, Deviation = 0.5f;

    public LinearModel(int seed)
    {
        Network network = new NetworkBuilder(new Shape(Channels, Height, Width)).Flatten().Linear(Classes).LogSoftmax().Build();
        var random = new Random(seed);
        Bias = Values.Normal(random, Classes);
        Weights = Values.Normal(random, Classes * Size);
        Model = new Model(network, new Weights([.. network.Parameters.Select(p => new NamedArray(p.Name, p.Shape.ToArray(), Array.ConvertAll(p.Shape.Rank == 2 ? Weights : Bias, v => (float)v)))]), Mean, Deviation, "made up");
    }

    public Model Model { get; }

    public double[] Weights { get; }

    public double[] Bias { get; }

    /// <summary>The gradient of a class's score to the pixels.</summary>
    public double[] Gradient(int c) => [.. Weights[(c * Size)..((c + 1) * Size)].Select(w => w / Deviation)];

    public double[] Scores(double[] image) => [.. Enumerable.Range(0, Classes).Select(c => Bias[c] + Enumerable.Range(0, Size).Sum(i => Weights[c * Size + i] * (image[i] - Mean) / Deviation))];
}

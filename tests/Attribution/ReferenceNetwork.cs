using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>
/// A network on one input in float64, from the definitions: every linear layer is the matrix that its columns make, and gradients and relevance are
/// carried back through that, layer by layer.
/// </summary>
internal sealed class ReferenceNetwork(Model model)
{
    private readonly IReadOnlyList<Node> nodes = model.Network.Nodes;

    private readonly Dictionary<(int Node, int Input), double[,]> matrices = [];

    /// <summary>The node whose output are the scores.</summary>
    private int ScoreNode => nodes[^1].Layer is SoftmaxLayer ? nodes.Count - 2 : nodes.Count - 1;

    /// <summary>A model of this network with weights, biases and statistics that are all different.</summary>
    public static Model RandomModel(string text, int seed = 5)
    {
        Network network = NetworkText.Parse(text);
        var random = new Random(seed);
        return new Model(network, new Weights([.. Weights.Initial(network, (ulong)seed).Arrays.Select(a => new NamedArray(a.Name, a.Shape, Spread(a)))]), 0, 1, "");

        float[] Spread(NamedArray array)
        {
            double[] noise = Values.Normal(random, array.Values.Length, 0.3);
            return [.. array.Values.Select((v, i) => (float)(array.Name.EndsWith("running_var", StringComparison.Ordinal) ? Math.Exp(noise[i]) : array.Shape.Length == 1 ? v + noise[i] : v))];
        }
    }

    public double[] Scores(double[] x) => Outputs(x)[ScoreNode];

    /// <summary>The output of each layer.</summary>
    public double[][] Outputs(double[] x)
    {
        var outputs = new double[nodes.Count][];
        for (int i = 0; i <= ScoreNode; i++) outputs[i] = Output(i, [.. nodes[i].Inputs.Select(j => j < 0 ? x : outputs[j])]);
        return outputs;
    }

    /// <summary>The gradient of a score to the input, by a rule for ReLUs, and to each layer's output.</summary>
    public (double[] Input, double[][] Layers) Gradient(double[] x, int target, ReluRule rule = ReluRule.Gradient)
    {
        double[][] outputs = Outputs(x);
        return Back(x, outputs, target, 1, (i, g) => [.. nodes[i].Inputs.Select((_, k) => IsLinear(i)
            ? Transposed(Matrix(i, k), g)
            : Through(i, Source(i, 0), g, (dy, from, y) => rule switch
            {
                ReluRule.Guided => from > 0 ? Math.Max(0, dy) : 0,
                ReluRule.Deconvolution => Math.Max(0, dy),
                _ => from > 0 ? dy : ((ActivationLayer)nodes[i].Layer) is { Kind: ActivationKind.LeakyRelu, Slope: var slope } ? slope * dy : 0,
            }))]);

        double[] Source(int i, int k) => nodes[i].Inputs[k] < 0 ? x : outputs[nodes[i].Inputs[k]];
    }

    /// <summary>Relevance shared out as x[i] w[i,j] / (z[j] + epsilon sign(z[j])), and what epsilon takes of it.</summary>
    public (double[] Input, double Taken) Relevance(double[] x, int target, double epsilon)
    {
        double[][] outputs = Outputs(x);
        double taken = 0;
        double[] input = Back(x, outputs, target, outputs[ScoreNode][target], (i, r) =>
        {
            double[] z = outputs[i];
            // A copy passes on what it has.
            if (nodes[i].Layer is ConcatLayer or UpsampleLayer) return [.. nodes[i].Inputs.Select((_, k) => Transposed(Matrix(i, k), r))];
            if (!IsLinear(i)) return [Through(i, Source(i, 0), r, (relevance, _, _) => relevance)];
            taken += r.Select((relevance, j) => relevance * epsilon / (Math.Abs(z[j]) + epsilon)).Sum();
            double[] shares = [.. r.Select((relevance, j) => relevance / (z[j] + epsilon * (z[j] < 0 ? -1 : 1)))];
            return [.. nodes[i].Inputs.Select((_, k) => Transposed(Matrix(i, k), shares).Select((v, at) => v * Source(i, k)[at]).ToArray())];
        }).Input;
        return (input, taken);

        double[] Source(int i, int k) => nodes[i].Inputs[k] < 0 ? x : outputs[nodes[i].Inputs[k]];
    }

    private (double[] Input, double[][] Layers) Back(double[] x, double[][] outputs, int target, double start, Func<int, double[], double[][]> carry)
    {
        var input = new double[x.Length];
        double[][] back = [.. outputs.Select(o => new double[o?.Length ?? 0])];
        back[ScoreNode][target] = start;
        for (int i = ScoreNode; i >= 0; i--)
        {
            double[][] parts = carry(i, back[i]);
            for (int k = 0; k < parts.Length; k++)
            {
                double[] to = nodes[i].Inputs[k] < 0 ? input : back[nodes[i].Inputs[k]];
                for (int at = 0; at < to.Length; at++) to[at] += parts[k][at];
            }
        }
        return (input, back);
    }

    // What is not linear: maxima give to where they came from, the rest element by element.
    private double[] Through(int i, double[] from, double[] back, Func<double, double, double, double> element)
    {
        if (nodes[i].Layer is MaxPool2DLayer pool)
        {
            Pool2DShape shape = PoolShapes.For(nodes[i].InputShapes[0], pool.Window, pool.CeilMode);
            int planes = nodes[i].InputShapes[0][0];
            return Reference.Pooling.MaxGradient(shape, planes, Reference.Pooling.Max(shape, planes, from).ArgMax, back);
        }
        return nodes[i].Layer is ActivationLayer ? [.. back.Select((b, at) => element(b, from[at], Math.Max(0, from[at])))] : back;
    }

    private bool IsLinear(int i) => nodes[i].Layer is Conv2DLayer or LinearLayer or BatchNormalizationLayer or AddLayer or AveragePool2DLayer or GlobalPoolLayer { IsMaximum: false } or ConcatLayer or UpsampleLayer or ConvTranspose2DLayer;

    private double[] Output(int i, double[][] inputs)
    {
        double[] x = inputs[0];
        Node node = nodes[i];
        Shape shape = node.InputShapes[0];
        double[]? Values(string name) => model.Weights.Arrays.FirstOrDefault(a => a.Name == $"{node.Name}.{name}") is { } array ? Array.ConvertAll(array.Values, v => (double)v) : null;
        return node.Layer switch
        {
            Conv2DLayer layer => ReferenceConvolution.Forward(layer.ShapeFor(shape), 1, x, Values("weight")!, Values("bias")),
            LinearLayer layer => ReferenceMatrixProduct.LinearForward(1, shape[0], layer.Features, x, Values("weight")!, Values("bias")),
            BatchNormalizationLayer layer => Reference.BatchNormalization.Forward(x, shape[0], shape.Count / shape[0], Values("weight")!, Values("bias")!, Values("running_mean")!, Values("running_var")!, layer.Epsilon),
            ActivationLayer { Kind: ActivationKind.Tanh } => [.. x.Select(Math.Tanh)],
            ActivationLayer { Kind: ActivationKind.Sigmoid } => [.. x.Select(v => 1 / (1 + Math.Exp(-v)))],
            ActivationLayer { Kind: ActivationKind.Silu } => [.. x.Select(v => v / (1 + Math.Exp(-v)))],
            ActivationLayer { Kind: ActivationKind.Gelu } => [.. x.Select(v => v * Reference.NormalDistribution.Cumulative(v))],
            ActivationLayer { Kind: ActivationKind.HardSwish } => [.. x.Select(v => v * Math.Clamp(v + 3, 0, 6) / 6)],
            ActivationLayer layer => [.. x.Select(v => v > 0 ? v : layer.Kind == ActivationKind.LeakyRelu ? layer.Slope * v : 0)],
            MaxPool2DLayer layer => Reference.Pooling.Max(PoolShapes.For(shape, layer.Window, layer.CeilMode), shape[0], x).Y,
            AveragePool2DLayer layer => Reference.Pooling.Average(PoolShapes.For(shape, layer.Window, layer.CeilMode), shape[0], layer.CountPadding, x),
            GlobalPoolLayer { IsMaximum: true } => [.. Enumerable.Range(0, shape[0]).Select(c => x.AsSpan(c * (shape.Count / shape[0]), shape.Count / shape[0]).ToArray().Max())],
            GlobalPoolLayer => [.. Enumerable.Range(0, shape[0]).Select(c => x.AsSpan(c * (shape.Count / shape[0]), shape.Count / shape[0]).ToArray().Average())],
            AddLayer => [.. x.Zip(inputs[1], (a, b) => a + b)],
            ConvTranspose2DLayer layer => Transposed(layer, shape, x, Values("weight")!, Values("bias")),
            GroupNormalizationLayer layer => Normalized(layer.Groups, layer.Epsilon),
            LayerNormalizationLayer layer => Normalized(1, layer.Epsilon),
            UpsampleLayer layer => [.. Enumerable.Range(0, node.OutputShape.Count).Select(at => x[at / (node.OutputShape[1] * node.OutputShape[2]) * shape[1] * shape[2] + at / node.OutputShape[2] % node.OutputShape[1] / layer.Scale * shape[2] + at % node.OutputShape[2] / layer.Scale])],
            ConcatLayer => [.. inputs.SelectMany(values => values)],
            SoftmaxLayer { IsLogarithm: false } => [.. x.Select(v => Math.Exp(v - x.Max()) / x.Sum(w => Math.Exp(w - x.Max())))],
            FlattenLayer or DropoutLayer => x,
            _ => throw new NotSupportedException(node.Layer.Text),
        };

        double[] Normalized(int groups, float epsilon)
        {
            double[] scale = Values("weight")!;
            return Reference.GroupNormalization.Run(x, 1, groups, x.Length / scale.Length, scale, Values("bias")!, epsilon, x).Y;
        }
    }

    // What each input is multiplied with, it adds to the outputs under the kernel.
    private static double[] Transposed(ConvTranspose2DLayer layer, Shape shape, double[] x, double[] weight, double[]? bias)
    {
        Conv2DShape back = layer.ShapeFor(shape);
        var y = new double[back.Input.Count];
        for (int at = 0; at < y.Length; at++) y[at] = bias?[at / (back.InHeight * back.InWidth)] ?? 0;
        for (int k = 0; k < back.OutChannels; k++)
        {
            for (int at = 0; at < back.OutHeight * back.OutWidth; at++)
            {
                for (int c = 0; c < back.GroupInChannels; c++)
                {
                    for (int tap = 0; tap < back.KernelHeight * back.KernelWidth; tap++)
                    {
                        int row = at / back.OutWidth * back.StrideHeight - back.PadTop + tap / back.KernelWidth * back.DilationHeight;
                        int column = at % back.OutWidth * back.StrideWidth - back.PadLeft + tap % back.KernelWidth * back.DilationWidth;
                        if (row < 0 || row >= back.InHeight || column < 0 || column >= back.InWidth) continue;
                        int channel = k / back.GroupOutChannels * back.GroupInChannels + c;
                        y[(channel * back.InHeight + row) * back.InWidth + column] += x[k * back.OutHeight * back.OutWidth + at] * weight[(k * back.GroupInChannels + c) * back.KernelHeight * back.KernelWidth + tap];
                    }
                }
            }
        }
        return y;
    }

    // Column by column, from what a unit at one input adds.
    private double[,] Matrix(int i, int input)
    {
        if (matrices.TryGetValue((i, input), out double[,]? known)) return known;
        Node node = nodes[i];
        double[][] zeros = [.. node.InputShapes.Select(s => new double[s.Count])];
        double[] atZero = Output(i, zeros);
        var matrix = new double[atZero.Length, zeros[input].Length];
        for (int c = 0; c < zeros[input].Length; c++)
        {
            zeros[input][c] = 1;
            double[] y = Output(i, zeros);
            zeros[input][c] = 0;
            for (int r = 0; r < y.Length; r++) matrix[r, c] = y[r] - atZero[r];
        }
        return matrices[(i, input)] = matrix;
    }

    private static double[] Transposed(double[,] matrix, double[] y)
    {
        var x = new double[matrix.GetLength(1)];
        for (int r = 0; r < y.Length; r++)
            for (int c = 0; c < x.Length; c++) x[c] += matrix[r, c] * y[r];
        return x;
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Looks at a network as a training step would see it: the first training images, statistics of the batch, layer by layer. It has weights of its
/// own, so that the training's running statistics stay as they are.
/// </summary>
internal sealed class LayerProbe : IDisposable
{
    // So many images that one more changes no digit that is shown, and so few that all layers' outputs fit into little memory.
    private const int MostImages = 128;

    private readonly DeviceArena arena;
    private readonly DeviceParameters parameters;
    private readonly Plan plan;
    private readonly Action gather;
    private readonly Action lossGradient;
    private readonly int batch;

    public LayerProbe(Device device, Network network, DataSet data, int trainCount)
    {
        batch = Math.Min(MostImages, trainCount);
        arena = new DeviceArena(device);
        try
        {
            parameters = new DeviceParameters(arena, network, withGradients: true);
            plan = new Plan(arena, parameters, batch, PlanPurpose.Train, layerByLayer: true);
            Tensor<byte> pixels = arena.Share(data.Train.Pixels, 0, network.InputShape.Prepend(batch));
            Tensor<int> labels = arena.Share(data.Train.Labels, 0, new Shape(batch)), truth = arena.Allocate<int>(new Shape(batch)), order = arena.Allocate<int>(new Shape(batch));
            order.CopyFrom([.. Enumerable.Range(0, batch)]);
            Tensor<float> losses = arena.Allocate<float>(new Shape(batch));
            var gathering = new BatchGather(device, data.Mean, data.Deviation);
            var loss = new SoftmaxCrossEntropy(device);
            gather = () => gathering.Gather(pixels, labels, order, 0, plan.Input, truth);
            lossGradient = () => loss.ForwardBackward(plan.Scores, truth, 1f / batch, losses, plan.ScoresGradient);
        }
        catch
        {
            arena.Dispose();
            throw;
        }
    }

    internal sealed record View(IReadOnlyList<LayerStatistics> Layers, IReadOnlyList<ParameterStatistics> Parameters);

    /// <summary>What a step with these weights would see.</summary>
    public View Look(Weights weights, TrainSettings settings, int epoch)
    {
        parameters.Load(weights);
        gather();
        plan.Forward(batch, toScores: true);
        lossGradient();
        plan.Backward(batch);
        IReadOnlyList<Node> nodes = plan.Network.Nodes;
        var layers = new List<LayerStatistics>();
        // What flattening gives is what it gets; what comes behind the scores is part of the loss.
        for (int i = 0; i < nodes.Count; i++)
        {
            if (nodes[i].Layer.Role is LayerRole.Reshape or LayerRole.Softmax) continue;
            Moments output = Moments.Of(plan.OutputOf(i).ToArray());
            Moments? gradient = plan.GradientOf(i) is { } dy ? Moments.Of(dy.ToArray()) : null;
            layers.Add(new LayerStatistics(
                settings.BatchNorm, settings.Seed, epoch, nodes[i].Name, output.Mean, output.Deviation, output.Zeros, gradient?.Mean, gradient?.Deviation, gradient?.Zeros));
        }
        ParameterStatistics[] trained = [.. plan.Network.Parameters.Where(p => p.IsTrainable).Select(p => new ParameterStatistics(
            settings.BatchNorm, settings.Seed, epoch, p.Name, Moments.Of(parameters.Value(p.Name).ToArray()).RootMeanSquare, Moments.Of(parameters.Gradient(p.Name).ToArray()).RootMeanSquare))];
        return new View(layers, trained);
    }

    public void Dispose() => arena.Dispose();

    /// <summary>Mean, population standard deviation, share of zeros.</summary>
    internal readonly record struct Moments(double Mean, double Deviation, double Zeros)
    {
        public double RootMeanSquare => Math.Sqrt(Mean * Mean + Deviation * Deviation);

        // Two passes: the square of a mean taken from a mean of squares would leave little where the mean is large.
        public static Moments Of(ReadOnlySpan<float> values)
        {
            double sum = 0, squares = 0;
            long zeros = 0;
            foreach (float v in values)
            {
                sum += v;
                if (v == 0) zeros++;
            }
            double mean = sum / values.Length;
            foreach (float v in values) squares += (v - mean) * (v - mean);
            return new Moments(mean, Math.Sqrt(squares / values.Length), (double)zeros / values.Length);
        }
    }
}

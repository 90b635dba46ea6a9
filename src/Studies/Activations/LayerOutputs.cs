using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What each layer that gives maps makes of images, on a device.</summary>
internal sealed class LayerOutputs : IDisposable
{
    private const int Batch = 50;

    private readonly DeviceArena arena;
    private readonly Plan plan;
    private readonly GlobalMaxPool2D maximum;
    private readonly GlobalAveragePool2D average;
    private readonly ActiveShare active;
    private readonly Tensor<float> values;
    private readonly Tensor<int> positions;

    /// <exception cref="RequestException">No layer gives maps.</exception>
    public LayerOutputs(Device device, Model model)
    {
        Model = model;
        Stages = Channels.Stages(model.Network);
        if (Channels.Convolutions(model.Network).Length == 0) throw new RequestException("The model has no convolution, so no feature maps.");
        // What follows the last map is left out.
        Model part = model.UpTo(Stages[^1]);
        arena = new DeviceArena(device);
        try
        {
            var parameters = new DeviceParameters(arena, part.Network, withGradients: false);
            parameters.Load(part.Weights);
            plan = new Plan(arena, parameters, Batch, PlanPurpose.Infer, layerByLayer: true);
            maximum = new GlobalMaxPool2D(device);
            average = new GlobalAveragePool2D(device);
            active = new ActiveShare(device);
            int channels = Stages.Max(s => part.Network.Nodes[s].OutputShape[0]);
            values = arena.Allocate<float>(new Shape(Batch * channels));
            positions = arena.Allocate<int>(new Shape(Batch * channels));
        }
        catch
        {
            arena.Dispose();
            throw;
        }
    }

    public Model Model { get; }

    public Device Device => arena.Device;

    /// <summary>The layers, by their positions in the network.</summary>
    public int[] Stages { get; }

    /// <summary>The maps of one image: for each stage (channel, height, width).</summary>
    public float[][] Maps(StudyImage image)
    {
        Run(image.Pixels, 1);
        return [.. Stages.Select(s => plan.OutputOf(s).First(1).ToArray())];
    }

    /// <summary>Runs over images and adds up what their maps are; only a few numbers for each map leave the device.</summary>
    /// <returns>For each stage its channels.</returns>
    public ChannelTally[][] Tally(LabelledImages images, int count, Action<int> done, CancellationToken cancellation)
    {
        Network network = plan.Network;
        ChannelTally[][] tallies = [.. Stages.Select(s => Enumerable.Range(0, network.Nodes[s].OutputShape[0]).Select(_ => new ChannelTally()).ToArray())];
        for (int start = 0; start < count; start += Batch)
        {
            cancellation.ThrowIfCancellationRequested();
            done(start);
            int batch = Math.Min(Batch, count - start);
            Run(images.Pixels.AsSpan(start * images.ImageSize, batch * images.ImageSize), batch);
            for (int s = 0; s < Stages.Length; s++)
            {
                Tensor<float> maps = plan.OutputOf(Stages[s]).First(batch);
                int channels = tallies[s].Length, planes = batch * channels;
                Tensor<float> each = values.First(planes).Reshape(new Shape(batch, channels));
                Tensor<int> at = positions.First(planes).Reshape(new Shape(batch, channels));
                maximum.Forward(maps, each, at);
                float[] maxima = each.ToArray();
                int[] places = at.ToArray();
                average.Forward(maps, each);
                float[] means = each.ToArray();
                active.Forward(maps, each);
                float[] shares = each.ToArray();
                for (int plane = 0; plane < planes; plane++) tallies[s][plane % channels].Add(start + plane / channels, maxima[plane], places[plane], means[plane], shares[plane]);
            }
        }
        return tallies;
    }

    public void Dispose() => arena.Dispose();

    private void Run(ReadOnlySpan<byte> pixels, int batch)
    {
        plan.Input.First(batch).CopyFrom(Model.Normalised(pixels));
        plan.Forward(batch);
    }
}

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Weights averaged over the steps of a training, for evaluation and for the model: they stand where the last steps' weights circle.
/// Running statistics of batch normalisation are averaged alike: those of the averaged weights are not known without another pass over the images,
/// and are close to the mean of those that the weights had on the way.
/// </summary>
internal sealed class WeightAverage
{
    private readonly MovingAverage operation;
    private readonly float decay;
    private readonly (Tensor<float> Average, Tensor<float> Value)[] pairs;

    public WeightAverage(DeviceArena arena, DeviceParameters parameters, float decay)
    {
        this.decay = decay;
        operation = new MovingAverage(arena.Device);
        Parameters = new DeviceParameters(arena, parameters.Network, withGradients: false);
        pairs =
        [
            (Parameters.Values, parameters.Values),
            .. parameters.Network.Parameters.Where(p => !p.IsTrainable).Select(p => (Parameters.Value(p.Name), parameters.Value(p.Name))),
        ];
    }

    /// <summary>The averages.</summary>
    public DeviceParameters Parameters { get; }

    /// <summary>Takes the weights of a step in. In the first steps the average is shorter, so that it forgets the weights of the start.</summary>
    /// <param name="step">The number of the step over the whole training, from 0.</param>
    public void Add(long step)
    {
        var share = (float)(1 - Math.Min(decay, (1.0 + step) / (10 + step)));
        foreach ((Tensor<float> average, Tensor<float> value) in pairs) operation.Step(average, value, share);
    }
}

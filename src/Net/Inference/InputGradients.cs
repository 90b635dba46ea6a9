using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A model with the gradients of its scores to its input, on a device, for attributions and attacks. Each image of a batch follows an objective of its
/// own: whoever uses it writes the gradient of that objective to the scores into <see cref="ScoresGradient"/>. Batch normalisation
/// uses its fixed statistics, dropout does nothing, and no gradient to a parameter is computed.
/// </summary>
public sealed class InputGradients : IDisposable
{
    private readonly DeviceArena arena;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxBatch">The largest number of images that are worked on at once.</param>
    /// <param name="layerByLayer">Whether each layer's output and the gradient to it are to be seen in <see cref="Plan"/>.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public InputGradients(Device device, Model model, int maxBatch = 128, bool layerByLayer = false)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        arena = new DeviceArena(device);
        try
        {
            var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
            parameters.Load(model.Weights);
            Plan = new Plan(arena, parameters, maxBatch, PlanPurpose.InputGradient, layerByLayer);
        }
        catch
        {
            arena.Dispose();
            throw;
        }
    }

    /// <summary>The device that it runs on.</summary>
    public Device Device => arena.Device;

    /// <summary>The model.</summary>
    public Model Model { get; }

    /// <summary>The largest number of images that are worked on at once.</summary>
    public int MaxBatch => Plan.MaxBatch;

    /// <summary>The prepared network.</summary>
    public Plan Plan { get; }

    /// <summary>Where the images go, normalised as the network takes them, (batch, input shape).</summary>
    public Tensor<float> Input => Plan.Input;

    /// <summary>The scores after <see cref="Forward"/>: logits where the network ends with a softmax, else its output. (batch, output shape).</summary>
    public Tensor<float> Scores => Plan.Scores;

    /// <summary>Where the gradients to the scores go before <see cref="Backward"/>, in the shape of <see cref="Scores"/>; for the gradient of one logit, 1 there and 0 elsewhere.</summary>
    public Tensor<float> ScoresGradient => Plan.ScoresGradient;

    /// <summary>The gradients to the normalised input after <see cref="Backward"/>, (batch, input shape).</summary>
    public Tensor<float> Gradient => Plan.InputGradient!.Value;

    /// <summary>Computes the scores of the first images of <see cref="Input"/>.</summary>
    /// <param name="batch">How many.</param>
    public void Forward(int batch) => Plan.Forward(batch, toScores: true);

    /// <summary>Carries <see cref="ScoresGradient"/> back to the input.</summary>
    /// <param name="batch">The batch of the forward pass.</param>
    public void Backward(int batch) => Plan.Backward(batch);

    /// <summary>Frees all memory.</summary>
    public void Dispose() => arena.Dispose();
}

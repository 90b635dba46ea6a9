using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A model prepared on a device for <see cref="IAttribution"/>: its backward pass to the input, layer by layer, and the arithmetic that the methods share.
/// </summary>
public sealed class AttributionNetwork : IDisposable
{
    private readonly InputGradients gradients;
    private readonly float[] seeds;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxBatch">The largest number of inputs that are worked on at once.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public AttributionNetwork(Device device, Model model, int maxBatch = 64)
    {
        gradients = new InputGradients(device, model, maxBatch, layerByLayer: true);
        seeds = new float[gradients.ScoresGradient.Count];
        Elementwise = new Elementwise(device);
    }

    /// <summary>The device that it runs on.</summary>
    public Device Device => gradients.Device;

    /// <summary>The model.</summary>
    public Model Model => gradients.Model;

    /// <summary>The largest number of inputs that are worked on at once.</summary>
    public int MaxBatch => gradients.MaxBatch;

    internal Plan Plan => gradients.Plan;

    internal Tensor<float> Input => gradients.Input;

    internal Tensor<float> Gradient => gradients.Gradient;

    internal Elementwise Elementwise { get; }

    internal Network Network => Model.Network;

    internal Shape InputShape => Network.InputShape;

    private int Classes => gradients.Scores.Count / MaxBatch;

    /// <summary>The scores of some inputs: logits where the network ends with a softmax, else its output.</summary>
    /// <param name="inputs">The inputs, one after the other, normalised as the network takes them.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <returns>Input after input, class after class.</returns>
    /// <exception cref="ArgumentException">Not a whole number of inputs.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The network can be used again.</exception>
    public float[] Scores(ReadOnlySpan<float> inputs, CancellationToken cancellation = default)
    {
        int count = CountOf(inputs), size = InputShape.Count;
        var scores = new float[count * Classes];
        for (int first = 0; first < count; first += MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            int batch = Math.Min(MaxBatch, count - first);
            Input.First(batch).CopyFrom(inputs.Slice(first * size, batch * size));
            Forward(batch).CopyTo(scores.AsSpan(first * Classes, batch * Classes));
        }
        return scores;
    }

    /// <summary>The gradients of each input's own target's score to the input.</summary>
    /// <param name="inputs">The inputs, one after the other, normalised as the network takes them.</param>
    /// <param name="targets">The class for each input.</param>
    /// <param name="rule">What comes back through a ReLU.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <returns>Gradient after gradient, each in the input's shape.</returns>
    /// <exception cref="ArgumentException">Inputs and targets do not fit together.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The network can be used again.</exception>
    public float[] Gradients(ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets, ReluRule rule = ReluRule.Gradient, CancellationToken cancellation = default)
    {
        Require(inputs, targets);
        int size = InputShape.Count;
        var all = new float[inputs.Length];
        for (int first = 0; first < targets.Length; first += MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            int batch = Math.Min(MaxBatch, targets.Length - first);
            Input.First(batch).CopyFrom(inputs.Slice(first * size, batch * size));
            Backpropagate(targets.Slice(first, batch), rule);
            Gradient.First(batch).CopyTo(all.AsSpan(first * size, batch * size));
        }
        return all;
    }

    /// <summary>Frees all memory.</summary>
    public void Dispose() => gradients.Dispose();

    /// <summary>The scores of what lies in <see cref="Input"/>.</summary>
    internal Tensor<float> Forward(int batch)
    {
        gradients.Forward(batch);
        return gradients.Scores.First(batch);
    }

    /// <summary>Runs what lies in <see cref="Input"/>, and carries each one's target's score back to <see cref="Gradient"/>.</summary>
    internal void Backpropagate(ReadOnlySpan<int> targets, ReluRule rule = ReluRule.Gradient, Action<int>? before = null)
    {
        int batch = targets.Length;
        gradients.Forward(batch);
        Span<float> oneHot = seeds.AsSpan(0, batch * Classes);
        oneHot.Clear();
        for (int i = 0; i < batch; i++) oneHot[i * Classes + targets[i]] = 1;
        gradients.ScoresGradient.First(batch).CopyFrom(oneHot);
        Plan.ReluRule = rule;
        Plan.Backward(batch, before);
    }

    /// <summary>
    /// The mean of the gradients over copies of each input, which are made on the device batch by batch. Accumulates into nothing: sums starts as zeros.
    /// </summary>
    internal void MeanGradients(SampleCopies copies, ReadOnlySpan<int> targets, Action<int, Tensor<float>> make, Tensor<float> sums, CancellationToken cancellation)
    {
        var adder = new CopySums(Device);
        Elementwise.Fill(sums, 0);
        var targetsOfBatch = new int[MaxBatch];
        for (int first = 0; first < copies.Count; first += MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            int batch = Math.Min(MaxBatch, copies.Count - first);
            make(first, Input.First(batch));
            for (int i = 0; i < batch; i++) targetsOfBatch[i] = targets[(first + i) / copies.Copies];
            Backpropagate(targetsOfBatch.AsSpan(0, batch));
            adder.Add(Gradient.First(batch), copies, first, sums);
        }
        Elementwise.Scale(sums, 1f / copies.Copies, sums);
    }

    /// <summary>Requires that inputs and targets fit together and the method to the network.</summary>
    internal void Require(IAttribution method, ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets)
    {
        if (method.Refusal(Network) is { } refusal) throw new ArgumentException(refusal);
        Require(inputs, targets);
    }

    private void Require(ReadOnlySpan<float> inputs, ReadOnlySpan<int> targets)
    {
        int count = CountOf(inputs);
        if (targets.Length != count) throw new ArgumentException($"{targets.Length} targets for {count} inputs: give each its own.");
        foreach (int target in targets)
            if ((uint)target >= (uint)Classes) throw new ArgumentException($"Target {target}: the network has classes 0 to {Classes - 1}.");
    }

    private int CountOf(ReadOnlySpan<float> inputs) => inputs.Length % InputShape.Count == 0
        ? inputs.Length / InputShape.Count
        : throw new ArgumentException($"{inputs.Length} values are not a whole number of inputs of {InputShape}.");
}

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The classes' probabilities for images, by a model on a device.</summary>
public sealed class Predictor : IDisposable
{
    private readonly DeviceArena arena;
    private readonly Plan plan;
    private readonly BatchGather gather;

    // The views that scores are averaged over, where there are more than the image itself.
    private readonly IReadOnlyList<ImageMove> views;
    private readonly Distortion? mover;
    private readonly Elementwise? sums;
    private readonly Tensor<float> averaged;
    private readonly SoftmaxCrossEntropy loss;
    private readonly Softmax softmax;
    private readonly HostBuffer<byte> nextPixels;
    private readonly Tensor<byte> pixels;
    private readonly Tensor<int> labels;
    private readonly Tensor<int> gathered;
    private readonly Tensor<int> order;
    private readonly Tensor<float> losses;
    private readonly Tensor<float> probabilities;

    /// <summary>Prepares a model.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="maxBatch">The number of images that are worked on at once.</param>
    /// <param name="views">
    /// Views of each image over which its scores are averaged (<see cref="Views"/>), which is the geometric mean of the views' probabilities; null: the image as it is. Inputs that are made on
    /// the device are taken as they are.
    /// </param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public Predictor(Device device, Model model, int maxBatch = 128, IReadOnlyList<ImageMove>? views = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(model);
        Model = model;
        this.views = views ?? [];
        arena = new DeviceArena(device);
        try
        {
            var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
            parameters.Load(model.Weights);
            plan = new Plan(arena, parameters, maxBatch, PlanPurpose.Infer);
            gather = new BatchGather(device, model.Mean, model.Deviation);
            if (this.views.Count > 0)
            {
                mover = new Distortion(device, model.Mean, model.Deviation, new DistortionOptions());
                sums = new Elementwise(device);
                averaged = arena.Allocate<float>(new Shape(maxBatch, model.Classes));
            }
            loss = new SoftmaxCrossEntropy(device);
            softmax = new Softmax(device);
            pixels = arena.Allocate<byte>(model.Network.InputShape.Prepend(maxBatch));
            nextPixels = arena.AllocateHost<byte>(pixels.Count);
            labels = arena.Allocate<int>(new Shape(maxBatch));
            gathered = arena.Allocate<int>(new Shape(maxBatch));
            order = arena.Allocate<int>(new Shape(maxBatch));
            order.CopyFrom([.. Enumerable.Range(0, maxBatch)]);
            losses = arena.Allocate<float>(new Shape(maxBatch));
            probabilities = arena.Allocate<float>(new Shape(maxBatch, model.Classes));
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

    /// <summary>The probabilities of each class for each image.</summary>
    /// <param name="images">Bytes, image after image, each in the network's input shape.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <returns>Image after image, class after class.</returns>
    /// <exception cref="ArgumentException">Not a whole number of images.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The predictor can be used again.</exception>
    public float[] Probabilities(ReadOnlySpan<byte> images, CancellationToken cancellation = default)
    {
        int size = Model.Network.InputShape.Count, count = images.Length / size;
        if (images.Length % size != 0) throw new ArgumentException($"{images.Length} bytes are not a whole number of images of {Model.Network.InputShape}.");
        var result = new float[count * Model.Classes];
        for (int start = 0; start < count; start += plan.MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            ReadProbabilities(RunBatch(images, start, count), result, start);
        }
        return result;
    }

    /// <summary>The probabilities of each class for inputs that are made on the device, batch by batch.</summary>
    /// <param name="count">How many inputs.</param>
    /// <param name="prepare">Makes inputs, normalised as the network takes them: the number of the first, and the tensor (batch, input shape) to overwrite.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <returns>Input after input, class after class.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled. The predictor can be used again.</exception>
    public float[] Probabilities(int count, Action<int, Tensor<float>> prepare, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(prepare);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var result = new float[count * Model.Classes];
        for (int start = 0; start < count; start += plan.MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            int batch = Math.Min(plan.MaxBatch, count - start);
            prepare(start, plan.Input.First(batch));
            plan.Forward(batch, toScores: true);
            ReadProbabilities(plan.Scores.First(batch), result, start);
        }
        return result;
    }

    /// <summary>The class of the largest of some scores or probabilities; of equal ones the first.</summary>
    /// <param name="values">One for each class.</param>
    public static int MostProbable(ReadOnlySpan<float> values)
    {
        int best = 0;
        for (int i = 1; i < values.Length; i++)
            if (values[i] > values[best]) best = i;
        return best;
    }

    /// <summary>Measures the model on labelled images.</summary>
    /// <param name="images">The images.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <exception cref="ArgumentException">The images have another size than the network's input, or a label that the model does not know.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled. The predictor can be used again.</exception>
    public Evaluation Evaluate(LabelledImages images, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(images);
        var shape = images.ImageShape;
        if (shape != Model.Network.InputShape) throw new ArgumentException($"The model takes {Model.Network.InputShape}, the images are {shape}.");
        int unknown = Array.FindIndex(images.Labels, l => l >= Model.Classes);
        if (unknown >= 0) throw new ArgumentException($"Image {unknown} has label {images.Labels[unknown]}; the model knows {Model.Classes} classes, 0 to {Model.Classes - 1}.");

        var predicted = new int[images.Count];
        var confidence = new float[images.Count];
        double lossSum = 0;
        var scores = new float[plan.MaxBatch * Model.Classes];
        var shares = new float[plan.MaxBatch * Model.Classes];
        var batchLosses = new float[plan.MaxBatch];
        for (int start = 0; start < images.Count; start += plan.MaxBatch)
        {
            cancellation.ThrowIfCancellationRequested();
            Tensor<float> batchScores = RunBatch(images.Pixels, start, images.Count);
            int batch = batchScores.Shape[0];
            labels.First(batch).CopyFrom(images.Labels.AsSpan(start, batch));
            loss.Forward(batchScores, labels.First(batch), losses.First(batch));
            softmax.Forward(batchScores, probabilities.First(batch));
            losses.First(batch).CopyTo(batchLosses.AsSpan(0, batch));
            batchScores.CopyTo(scores.AsSpan(0, batch * Model.Classes));
            probabilities.First(batch).CopyTo(shares.AsSpan(0, batch * Model.Classes));
            for (int i = 0; i < batch; i++)
            {
                ReadOnlySpan<float> row = scores.AsSpan(i * Model.Classes, Model.Classes);
                lossSum += batchLosses[i];
                predicted[start + i] = MostProbable(row);
                confidence[start + i] = shares[i * Model.Classes + predicted[start + i]];
            }
        }
        return Evaluation.From(lossSum / images.Count, images.Labels, predicted, confidence, Model.Classes);
    }

    /// <summary>Frees all memory of the predictor.</summary>
    public void Dispose() => arena.Dispose();

    // The scores of the next images (batch, classes), over all views.
    private Tensor<float> RunBatch(ReadOnlySpan<byte> images, int start, int count)
    {
        int size = Model.Network.InputShape.Count, batch = Math.Min(plan.MaxBatch, count - start);
        images.Slice(start * size, batch * size).CopyTo(nextPixels.Span);
        nextPixels.CopyTo(pixels.First(batch));
        Tensor<float> scores = plan.Scores.First(batch);
        if (views.Count == 0)
        {
            gather.Gather(pixels, labels, order, 0, plan.Input.First(batch), gathered.First(batch));
            plan.Forward(batch, toScores: true);
            return scores;
        }
        Tensor<float> mean = averaged.First(batch);
        for (int view = 0; view < views.Count; view++)
        {
            mover!.Gather(pixels, labels, order, 0, plan.Input.First(batch), gathered.First(batch), views[view]);
            plan.Forward(batch, toScores: true);
            if (view == 0) sums!.Scale(scores, 1f / views.Count, mean);
            else sums!.AddScaled(mean, 1f / views.Count, scores, mean);
        }
        return mean;
    }

    private void ReadProbabilities(Tensor<float> scores, float[] result, int start)
    {
        Tensor<float> shares = probabilities.First(scores.Shape[0]);
        softmax.Forward(scores, shares);
        shares.CopyTo(result.AsSpan(start * Model.Classes, shares.Count));
    }
}

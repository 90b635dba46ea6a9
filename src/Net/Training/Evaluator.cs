using System.Text.Json.Serialization;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Mean loss in nats and share of right answers over some images.</summary>
/// <param name="Loss">The mean negative log-likelihood of the true class.</param>
/// <param name="Accuracy">The share of images whose most probable class is the true one.</param>
/// <param name="LossError">The standard error of the loss, from its spread over batches of images; null: from fewer than two batches it cannot be told.</param>
public readonly record struct Score(double Loss, double Accuracy, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? LossError = null);

/// <summary>Measures a network on images that lie on the device.</summary>
internal sealed class Evaluator
{
    // On a CPU as many as its caches hold; elsewhere enough to fill a large GPU.
    private const int HostBatch = 128, GpuBatch = 1024;
    private readonly Plan plan;
    private readonly BatchGather gather;
    private readonly SoftmaxCrossEntropy loss;
    private readonly BatchScore score;
    private readonly Tensor<int> labels;
    private readonly Tensor<float> losses;
    private readonly Tensor<float> sums;
    private readonly DeviceImages images;

    public Evaluator(DeviceArena arena, DeviceParameters parameters, DeviceImages images, DataSet data)
    {
        this.images = images;
        int batch = Math.Min(arena.Device.Kind == DeviceKind.Cpu ? HostBatch : GpuBatch, images.Count);
        plan = new Plan(arena, parameters, batch, PlanPurpose.Infer);
        gather = new BatchGather(arena.Device, data.Mean, data.Deviation);
        loss = new SoftmaxCrossEntropy(arena.Device);
        score = new BatchScore(arena.Device);
        labels = arena.Allocate<int>(new Shape(batch));
        losses = arena.Allocate<float>(new Shape(batch));
        sums = arena.Allocate<float>(new Shape((images.Count + batch - 1) / batch, 2));
    }

    /// <summary>The scores over all images.</summary>
    public Score Run(CancellationToken cancellation = default)
    {
        Profile? profile = plan.Input.Device.Profile;
        for (int start = 0, slot = 0; start < images.Count; start += plan.MaxBatch, slot++)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = Math.Min(plan.MaxBatch, images.Count - start);
            Tensor<float> scores = plan.Scores.First(count);
            profile?.Step = "batch gather";
            gather.Gather(images.Pixels, images.Labels, images.Order, start, plan.Input.First(count), labels.First(count));
            plan.Forward(count, toScores: true);
            profile?.Step = "loss";
            loss.Forward(scores, labels.First(count), losses.First(count));
            profile?.Step = "score";
            score.Record(scores, labels.First(count), losses.First(count), sums, slot);
        }
        return Total(sums.ToArray(), images.Count, plan.MaxBatch);
    }

    /// <summary>The mean of sums that <see cref="BatchScore"/> recorded, added in order.</summary>
    /// <param name="sums">Loss and right answers of each batch.</param>
    /// <param name="count">All images.</param>
    /// <param name="batch">Images of a batch, of which the last may have fewer.</param>
    public static Score Total(ReadOnlySpan<float> sums, int count, int batch)
    {
        double loss = 0, right = 0, squares = 0;
        for (int i = 0; i < sums.Length; i += 2)
        {
            loss += sums[i];
            right += sums[i + 1];
        }
        int batches = sums.Length / 2;
        for (int b = 0; b < batches; b++) squares += Math.Pow(sums[2 * b] - loss / count * Math.Min(batch, count - b * batch), 2);
        return new Score(loss / count, right / count, batches > 1 && double.IsFinite(squares) ? Math.Sqrt(squares * batches / (batches - 1)) / count : null);
    }
}

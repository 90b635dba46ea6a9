using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The Jacobian saliency map attack (Papernot et al. 2016, arXiv 1511.07528): changes few pixels, two at a time, those that most raise the target's score and lower the others'. Where no
/// target is given, the most probable other classes are tried in turn, and it ends as soon as the network is fooled.
/// </summary>
public sealed record Jsma : IAttack
{
    // Beyond these a pixel has nothing left to give.
    private const float Black = 0.01f, White = 0.99f;

    /// <inheritdoc/>
    public string Name => "jsma";

    /// <inheritdoc/>
    public PerturbationNorm Norm => PerturbationNorm.L0;

    /// <summary>The largest number of elements that may change.</summary>
    public required int Elements { get; init; }

    float? IAttack.Epsilon => Elements;

    /// <inheritdoc/>
    public bool IsMinimal => true;

    /// <summary>The step of a pixel; negative: pixels are darkened.</summary>
    public float Theta { get; init; } = 1;

    /// <summary>How many classes are tried for images without a target.</summary>
    public int TargetClasses { get; init; } = 3;

    /// <inheritdoc/>
    public int Tries(int classes, bool targeted) => targeted ? 1 : Math.Min(TargetClasses, classes - 1);

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        SaliencyPair pairs = batch.Operator(d => new SaliencyPair(d));
        batch.Score();
        int[] targets = batch.Targeted ? [.. batch.LabelsOnHost] : [.. batch.OtherClasses().Select(o => o[restart % o.Length])];
        batch.Memory("domain").CopyFrom([.. batch.Originals.ToArray().Select(x => (Theta > 0 ? x < White : x > Black) ? 1f : 0)]);
        var partners = batch.Operator(_ => new Partners(batch.Arena.Allocate<int>(new Shape(batch.MaxCount, batch.Pixels))));
        bool[] exhausted = new bool[batch.Count];
        for (int changed = 2; changed <= Elements; changed += 2)
        {
            float[] ofTarget = new float[batch.Count * batch.Classes], ofOthers = new float[ofTarget.Length];
            Array.Fill(ofOthers, 1);
            for (int n = 0; n < batch.Count; n++) (ofTarget[n * batch.Classes + targets[n]], ofOthers[n * batch.Classes + targets[n]]) = (1, 0);
            batch.FollowScores(ofTarget);
            Tensor<float> target = batch.Memory("target");
            target.CopyFrom(batch.Gradient);
            batch.FollowScores(ofOthers);
            Tensor<int> found = batch.OnDevice<int>([.. exhausted.Zip(batch.Margins(), (e, margin) => e || margin > 0 ? 0 : 1)]);
            pairs.Step(target, batch.Gradient, Theta, batch.Images, batch.Memory("domain"), found, batch.Memory("values"), partners.Of.First(batch.Count));
            exhausted = [.. found.ToArray().Select(f => f == 0)];
            batch.Score();
            bool[] done = [.. exhausted.Zip(batch.Margins(), (e, margin) => e || margin > 0)];
            if (2 * done.Count(d => d) < batch.Count) continue;
            int[] kept = batch.Retire(done);
            if (kept.Length == 0) return;
            (targets, exhausted) = ([.. kept.Select(n => targets[n])], [.. kept.Select(n => exhausted[n])]);
            batch.Score();
        }
    }

    private sealed record Partners(Tensor<int> Of);
}

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The momentum iterative fast gradient sign method (Dong et al. 2018, arXiv 1710.06081): steps along the sign of a sum of gradients, each divided by its mean absolute value, the
/// older ones decayed; in the Euclidean norm along the sum itself. Made for perturbations that fool other networks too.
/// </summary>
public sealed record MiFgsm : IAttack
{
    /// <inheritdoc/>
    public string Name => "mi-fgsm";

    /// <inheritdoc/>
    public PerturbationNorm Norm { get; init; } = PerturbationNorm.Linf;

    /// <summary>The bound on the perturbation, on images of 0 to 1.</summary>
    public required float Epsilon { get; init; }

    float? IAttack.Epsilon => Epsilon;

    /// <summary>The size of a step; null: epsilon / steps, as in the paper.</summary>
    public float? Alpha { get; init; }

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 10;

    /// <summary>What the sum of the gradients is multiplied by at each step.</summary>
    public float Decay { get; init; } = 1;

    /// <inheritdoc/>
    public IAttack Scaled(float share) => this with { Epsilon = share * Epsilon, Alpha = share * Alpha };

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        float alpha = Alpha ?? Epsilon / Steps;
        ImageNorm norm = batch.Operator(d => new ImageNorm(d));
        ImageAxpby axpby = batch.Operator(d => new ImageAxpby(d));
        batch.Bound(Epsilon);
        for (int step = 0; step < Steps; step++)
        {
            batch.Follow(ObjectiveKind.CrossEntropy, batch.Targeted ? -1 : 1);
            Tensor<float> momentum = batch.Memory("momentum");
            norm.Absolutes(batch.Gradient, batch.Values);
            float[] factors = [.. batch.Values.ToArray().Select(sum => sum > 0 ? batch.Pixels / sum : 0)];
            axpby.Add(momentum, step == 0 ? 0 : Decay, batch.OnDevice<float>(factors), batch.Gradient);
            if (Norm == PerturbationNorm.L2) batch.BallStep.Step(batch.Images, momentum, alpha, batch.Originals, Epsilon);
            else batch.BoxStep.Step(batch.Images, momentum, alpha, batch.Lower, batch.Upper);
        }
    }
}

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Projected gradient descent (Madry et al. 2018, arXiv 1706.06083): steps along the sign of the cross-entropy's gradient, or in the Euclidean norm along the gradient, each brought
/// back within epsilon of the original and into 0..1, from a random place there. Without the random start it is the basic iterative method
/// (Kurakin et al. 2017, arXiv 1607.02533), with one step of size epsilon the fast gradient sign method (Goodfellow et al. 2015, arXiv 1412.6572): <see cref="Fgsm"/>, <see cref="Bim"/>.
/// </summary>
public sealed record Pgd : IAttack
{
    /// <summary>The name: <c>pgd</c>, <c>bim</c> or <c>fgsm</c>.</summary>
    public string Name { get; private init; } = "pgd";

    /// <inheritdoc/>
    public PerturbationNorm Norm { get; init; } = PerturbationNorm.Linf;

    /// <summary>The bound on the perturbation, on images of 0 to 1.</summary>
    public required float Epsilon { get; init; }

    float? IAttack.Epsilon => Epsilon;

    /// <summary>The size of a step; null: 2.5 epsilon / steps, as in the paper's experiments.</summary>
    public float? Alpha { get; init; }

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 40;

    /// <inheritdoc/>
    public int Restarts { get; init; } = 1;

    /// <summary>Whether the first step starts at a random place within epsilon.</summary>
    public bool RandomStart { get; init; } = true;

    /// <summary>What is climbed; for a targeted attack the cross-entropy is descended.</summary>
    public ObjectiveKind Objective { get; init; } = ObjectiveKind.CrossEntropy;

    /// <summary>The fast gradient sign method: one step of size epsilon.</summary>
    /// <param name="epsilon">The bound.</param>
    /// <param name="norm">Its norm; in the Euclidean one it is the fast gradient method.</param>
    public static Pgd Fgsm(float epsilon, PerturbationNorm norm = PerturbationNorm.Linf) =>
        new() { Name = "fgsm", Norm = norm, Epsilon = epsilon, Alpha = epsilon, Steps = 1, RandomStart = false };

    /// <summary>The basic iterative method: from the image itself.</summary>
    /// <param name="epsilon">The bound.</param>
    /// <param name="alpha">The size of a step.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="norm">The bound's norm.</param>
    public static Pgd Bim(float epsilon, float? alpha = null, int steps = 10, PerturbationNorm norm = PerturbationNorm.Linf) =>
        new() { Name = "bim", Norm = norm, Epsilon = epsilon, Alpha = alpha, Steps = steps, RandomStart = false };

    /// <inheritdoc/>
    public IAttack Scaled(float share) => this with { Epsilon = share * Epsilon, Alpha = share * Alpha };

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        float alpha = Alpha ?? 2.5f * Epsilon / Steps;
        batch.Bound(Epsilon);
        if (RandomStart) batch.StartAtRandom(Norm, Epsilon, restart);
        for (int step = 0; step < Steps; step++)
        {
            batch.Follow(Objective, batch.Targeted ? -1 : 1);
            if (Norm == PerturbationNorm.L2) batch.BallStep.Step(batch.Images, batch.Gradient, alpha, batch.Originals, Epsilon);
            else batch.BoxStep.Step(batch.Images, batch.Gradient, alpha, batch.Lower, batch.Upper);
        }
    }
}

namespace GpuConv.Net;

/// <summary>What an attack did to a set of images.</summary>
/// <param name="Attack">The attack.</param>
/// <param name="Images">Each image, in the set's order.</param>
/// <param name="Pixels">The images after the attack, image after image, 0 to 1; those that were not attacked as they were.</param>
public sealed record AttackResult(IAttack Attack, IReadOnlyList<AttackedImage> Images, float[] Pixels)
{
    /// <summary>The share of images that the network recognises before the attack.</summary>
    public double CleanAccuracy => Images.Average(i => i.CleanPredicted == i.Label ? 1.0 : 0);

    /// <summary>The share of images that it recognises and that the attack did not change that of.</summary>
    public double RobustAccuracy => Images.Average(i => i.CleanPredicted == i.Label && !i.Fooled ? 1.0 : 0);

    /// <summary>The share of the attacked images that fooled the network; 0 if none was attacked.</summary>
    public double SuccessRate => Images.Count(i => i.Attacked) is > 0 and int attacked ? Images.Count(i => i.Fooled) / (double)attacked : 0;

    /// <summary>The size of an image's perturbation in the attack's norm.</summary>
    /// <param name="image">One of <see cref="Images"/>.</param>
    public double NormOf(AttackedImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return Attack.Norm switch { PerturbationNorm.L2 => image.L2, PerturbationNorm.L0 => image.L0, _ => image.Linf };
    }

    /// <summary>The sizes of the perturbations that fooled the network, ascending.</summary>
    public double[] SuccessfulNorms() => [.. Images.Where(i => i.Fooled).Select(NormOf).Order()];
}

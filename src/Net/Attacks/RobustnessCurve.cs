namespace GpuConv.Net;

/// <summary>A point of a robustness curve.</summary>
/// <param name="Epsilon">The bound.</param>
/// <param name="Accuracy">The share of all images that are recognised, and that no perturbation found within this bound fools the network with.</param>
public readonly record struct CurvePoint(float Epsilon, double Accuracy);

/// <summary>
/// Accuracy against the bound. An image that was fooled at a smaller bound counts as fooled at all larger ones, whose balls hold its perturbation too, and is not attacked again: so the
/// curve never rises.
/// </summary>
/// <param name="Points">One for each bound, ascending.</param>
public sealed record RobustnessCurve(IReadOnlyList<CurvePoint> Points)
{
    /// <summary>Attacks with one bound after the other.</summary>
    /// <param name="attacker">The model.</param>
    /// <param name="attack">Makes the attack of a bound.</param>
    /// <param name="epsilons">The bounds, in any order.</param>
    /// <param name="images">The images.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="known">Results at some of the bounds; images fooled there are fooled there and beyond.</param>
    /// <param name="targets">For each image the class that it is to be taken for; null: any but its own.</param>
    /// <param name="progress">Told how many bounds are done.</param>
    /// <param name="cancellation">Cancels between batches.</param>
    /// <exception cref="OperationCanceledException">It was cancelled. What was attacked so far is lost; the attacker can be used again.</exception>
    public static RobustnessCurve Run(Attacker attacker, Func<float, IAttack> attack, IReadOnlyList<float> epsilons, LabelledImages images, ulong seed = 1, IReadOnlyList<AttackResult>? known = null, IReadOnlyList<int>? targets = null, Action<int>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(attacker);
        ArgumentNullException.ThrowIfNull(attack);
        ArgumentNullException.ThrowIfNull(epsilons);
        ArgumentNullException.ThrowIfNull(images);
        var fooled = new bool[images.Count];
        var points = new List<CurvePoint>();
        float[] sorted = [.. epsilons.Order()];
        foreach (float epsilon in sorted)
        {
            progress?.Invoke(points.Count);
            AttackResult result = known?.FirstOrDefault(r => r.Attack.Epsilon == epsilon) ?? attacker.Run(attack(epsilon), images, targets, seed, null, i => !fooled[i], cancellation);
            foreach (AttackedImage image in result.Images) fooled[image.Number] |= image.Fooled;
            points.Add(new CurvePoint(epsilon, result.Images.Average(i => i.CleanPredicted == i.Label && !fooled[i.Number] ? 1.0 : 0)));
        }
        return new RobustnessCurve(points);
    }

    /// <summary>The curve of an attack that looks for the smallest perturbations: at each bound, those within it count.</summary>
    /// <param name="result">What it found, without a bound.</param>
    /// <param name="epsilons">The bounds, in any order.</param>
    public static RobustnessCurve OfSmallest(AttackResult result, IReadOnlyList<float> epsilons)
    {
        ArgumentNullException.ThrowIfNull(result);
        ArgumentNullException.ThrowIfNull(epsilons);
        return new RobustnessCurve([.. epsilons.Order().Select(e => new CurvePoint(e, result.Images.Average(i => i.CleanPredicted == i.Label && !(i.Fooled && result.NormOf(i) <= e) ? 1.0 : 0)))]);
    }
}

using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// Signs that a network only hides its gradients (Athalye et al. 2018, arXiv 1802.00420, section 3.1): then robust accuracies by attacks that follow gradients say nothing of its robustness.
/// </summary>
internal static class GradientMasking
{
    // More than these are no chance: of images without a gradient, and of images that one attack finds and a better one does not.
    private const double Many = 0.01, Clearly = 0.05;

    public static IReadOnlyList<string> Signs(IReadOnlyList<AttackResult> results, double vanished)
    {
        var signs = new List<string>();
        if (vanished > Many)
            signs.Add($"at {100 * vanished:f1} % of the recognised images the cross-entropy has no gradient in float32: its softmax is saturated, and attacks that follow it stand still.");
        AttackResult[] iterative = [.. results.Where(r => AttackMethods.IsIterative(r.Attack))], blind = [.. results.Where(r => r.Attack.IsBlackBox)], single = [.. results.Where(r => r.Attack is Pgd { Steps: 1 })];
        if (iterative.Length == 0) return signs;
        AttackResult best = iterative.MinBy(r => r.RobustAccuracy)!;
        foreach (AttackResult box in blind)
        {
            // The best of them, or one that is beaten by far.
            foreach (AttackResult white in iterative.Where(r => box.RobustAccuracy < r.RobustAccuracy - (r == best ? 0 : Clearly)))
                signs.Add($"{box.Attack.Name}, which sees no gradient, leaves {Percent(box)} where {white.Attack.Name}, which follows it, leaves {Percent(white)}: the gradient is masked.");
        }
        foreach (AttackResult step in single.Where(r => r.RobustAccuracy < best.RobustAccuracy))
            signs.Add($"{step.Attack.Name}, one step, leaves {Percent(step)} where {best.Attack.Name}, many, leaves {Percent(best)}: the gradient leads astray.");
        return signs;
    }

    private static string Percent(AttackResult result) => $"{100 * result.RobustAccuracy:f1} %";
}

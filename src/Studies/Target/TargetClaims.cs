namespace GpuConv.Studies;

/// <summary>What the report says of images near a target, judged by a rule that is stated with it.</summary>
internal static class TargetClaims
{
    // Nearly all pairs: 86 of 90. A structural similarity from which an image still looks like its target.
    private const double Nearly = 0.955, Alike = 0.5;

    public static IReadOnlyList<Claim> Check(int number, IReadOnlyList<TargetPair> pairs, ClassNames names)
    {
        TargetPair[] fooled = [.. pairs.Where(p => p.Success)];
        int alike = fooled.Count(p => p.Ssim >= Alike);
        TargetPair? farthest = fooled.MaxBy(p => p.L2);
        return
        [
            Claim.OfReport(
                $"case {number}",
                number == 1 ? "From an image of one digit, a little change makes the network read any other." : "From noise, an image can be drawn to one digit's while the network reads another.",
                alike >= Nearly * pairs.Count ? Claim.True : fooled.Length >= Nearly * pairs.Count ? Claim.Partly : Claim.False,
                farthest is null
                    ? $"none of {pairs.Count} pairs succeeded."
                    : $"{fooled.Length} of {pairs.Count} pairs are read as wanted, {alike} of these with a structural similarity of {Alike} or more to the target image; Euclidean distance {Spread.Of(fooled.Select(p => p.L2)).Median:f2} in the middle, {farthest.L2:f2} at most ({names[farthest.SourceLabel]} read as {names[farthest.TargetLabel]}); a pixel changes by {Spread.Of(fooled.Select(p => p.Linf)).Median:f2} at most in the middle pair (pixels 0 to 1); structural similarity {Spread.Of(fooled.Select(p => p.Ssim)).Median:f2} in the middle, {fooled.Min(p => p.Ssim):f2} at least.",
                $"true: at least {Nearly:p1} of the pairs succeed with a structural similarity of {Alike} or more; partly: they succeed."),
        ];
    }
}

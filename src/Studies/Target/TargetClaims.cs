namespace GpuConv.Studies;

/// <summary>What the report says of images drawn to a target from noise, and a finding of ours on those near an image, each judged by a rule that is stated with it.</summary>
internal static class TargetClaims
{
    // Nearly all pairs, and most. A structural similarity from which an image still looks like its target.
    private const double Nearly = 0.9, Most = 0.5, Alike = 0.5;

    public static IReadOnlyList<Claim> Check(int number, IReadOnlyList<TargetPair> pairs, ClassNames names)
    {
        TargetPair[] fooled = [.. pairs.Where(p => p.Success)];
        int alike = fooled.Count(p => p.Ssim >= Alike), like = pairs.Count(p => p.LooksLike == p.SourceLabel), classes = pairs.Max(p => p.SourceLabel) + 1;
        TargetPair? farthest = fooled.MaxBy(p => p.L2);
        string how = farthest is null
            ? $"none of {pairs.Count} pairs is read as wanted"
            : $"{fooled.Length} of {pairs.Count} pairs are read as wanted, {alike} of these with a structural similarity of {Alike} or more to the target image; Euclidean distance {Spread.Of(fooled.Select(p => p.L2)).Median:f2} in the middle, {farthest.L2:f2} at most ({names[farthest.SourceLabel]} read as {names[farthest.TargetLabel]}); a pixel changes by {Spread.Of(fooled.Select(p => p.Linf)).Median:f2} at most in the middle pair (pixels 0 to 1); structural similarity {Spread.Of(fooled.Select(p => p.Ssim)).Median:f2} in the middle, {fooled.Min(p => p.Ssim):f2} at least";
        return number == 1
            ? [Claim.Ours(
                "case 1",
                "An image of one digit, a little changed, is read as any other.",
                Claim.Judge(Interval.OfShare(fooled.Length, pairs.Count).Above(Nearly), Interval.OfShare(alike, pairs.Count).Above(Nearly)),
                how + ".",
                $"parts: the pairs are read as wanted, and with a structural similarity of {Alike} or more; nearly all of them (95 % interval of their share above {Nearly}).")]
            : [Claim.OfReport(
                "case 2",
                Claim.Judge(Interval.OfShare(fooled.Length, pairs.Count).Above(Most), Interval.OfShare(like, pairs.Count).Above(Most)),
                $"{how}; {like} of {pairs.Count} images correlate more with their own target image than with any other class's (by chance one in {classes}).",
                $"parts: the network reads the class wanted, and of all classes' target images the one that the image was drawn to is most like it; each for most pairs (95 % interval of the share above {Most}).")];
    }
}

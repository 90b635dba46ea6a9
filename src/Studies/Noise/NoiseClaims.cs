namespace GpuConv.Studies;

/// <summary>What the report says of one noise for many images, judged by a rule that is stated with it.</summary>
internal static class NoiseClaims
{
    // Times what random noise of the same norms does.
    private const double Clearly = 2;

    public static IReadOnlyList<Claim> Check(IReadOnlyList<NoiseRate> rates)
    {
        NoiseRate[] own = [.. rates.Where(r => r.LearntOn == r.TestedOn)], carried = [.. rates.Where(r => r.LearntOn != r.TestedOn)];
        return
        [
            Judge("universal", "One noise, added to images that it was not learnt on, fools the network where random noise of the same size does not.", own),
            Judge("transfer", "Noise learnt on one network fools another.", carried),
        ];
    }

    // At the largest bound.
    private static Claim Judge(string name, string report, NoiseRate[] rates)
    {
        NoiseRate[] largest = [.. rates.Where(r => r.Epsilon == rates.Max(o => o.Epsilon))];
        bool Holds(NoiseRate r) => r.Untargeted >= 0.5 && r.Untargeted >= Clearly * r.Random;
        int hold = largest.Count(Holds), more = largest.Count(r => r.Untargeted >= Clearly * r.Random);
        return Claim.Ours(
            name,
            report,
            hold == largest.Length ? Claim.True : more > 0 ? Claim.Partly : Claim.False,
            string.Join("; ", largest.Select(r => $"epsilon {r.Epsilon:g4}, learnt on {r.LearntOn}, tried on {r.TestedOn}: {100 * r.Untargeted:f1} % fooled, {100 * r.Random:f1} % by random noise; for a class, {100 * r.Targeted.Average():f1} % are taken for it in the mean, {100 * r.TargetedRandom.Average():f1} % by random noise")) + ".",
            $"true: at the largest bound at least half of the images that were recognised are not any more, and {Clearly} times as many as with random noise; partly: {Clearly} times as many somewhere.");
    }
}

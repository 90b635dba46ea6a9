namespace GpuConv.Studies;

/// <summary>Findings of ours on one noise for many images, each judged by a rule that is stated with it; the report does not look at it.</summary>
internal static class NoiseClaims
{
    // Of the images that were recognised; and times what the same noise with its pixels in random order does.
    private const double Most = 0.5, Clearly = 2;

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
    private static Claim Judge(string name, string finding, NoiseRate[] rates)
    {
        NoiseRate[] largest = [.. rates.Where(r => r.Epsilon == rates.Max(o => o.Epsilon))];
        return Claim.Ours(
            name,
            finding,
            Claim.Judge([.. largest.SelectMany(r => (bool?[])[r.Fooled.Above(Most), (r.Fooled - r.ByChance.Times(Clearly)).Above(0)])]),
            string.Join("; ", largest.Select(r => $"epsilon {r.Epsilon:g4}, learnt on {r.LearntOn}, tried on {r.TestedOn}: {(r.Recognised == 0 ? "no image is recognised without noise" : $"{r.Fooled.Times(100).Text("f1")} % fooled, {r.ByChance.Times(100).Text("f1")} % by its pixels in random order")}; for a class, {100 * r.Targeted.Average():f1} % are taken for it in the mean, {100 * r.TargetedRandom.Average():f1} % by random noise")) + ".",
            $"parts: at the largest bound, for each network, over half of the images that were recognised are not any more, and over {Clearly} times as many as with the pixels in random order.");
    }
}

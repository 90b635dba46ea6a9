using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The images that a network gets wrong.</summary>
internal static class Mistakes
{
    /// <summary>Numbers of the images that were given a wrong class, the most probable wrong class first; of equals the earlier image.</summary>
    public static int[] MostConfident(Evaluation evaluation, IReadOnlyList<int> labels, int most) =>
        [.. Enumerable.Range(0, labels.Count)
            .Where(i => evaluation.Predicted[i] != labels[i])
            .OrderByDescending(i => evaluation.Confidence[i])
            .ThenBy(i => i)
            .Take(most)];
}

namespace GpuConv.Net;

/// <summary>
/// Which training images are kept for validation: the last ones; but where these, or those before them, would lack a class that has enough images for both, as in files that are sorted by class, the last
/// images of each class, in proportion to their numbers.
/// </summary>
public static class ValidationSplit
{
    /// <summary>Whether the last images of each class are taken.</summary>
    /// <param name="data">The data; images that its source keeps for validation are always its last ones.</param>
    /// <param name="count">How many images are for validation.</param>
    public static bool IsOfEachClass(DataSet data, int count)
    {
        ArgumentNullException.ThrowIfNull(data);
        int[] labels = data.Train.Labels;
        if (count <= 0 || count >= labels.Length || count == data.ValidationCount) return false;
        int[] all = Counts(labels, data.Classes), kept = Counts(labels.AsSpan(labels.Length - count), data.Classes);
        int[] shared = [.. Enumerable.Range(0, data.Classes).Where(c => all[c] > 1)];
        // Fewer images than classes cannot be of all.
        return shared.Any(c => kept[c] == all[c]) || (count >= shared.Length && shared.Any(c => kept[c] == 0));
    }

    /// <summary>The training images with those for validation last, each part in its order.</summary>
    internal static LabelledImages Arrange(DataSet data, int count)
    {
        if (!IsOfEachClass(data, count)) return data.Train;
        int[] labels = data.Train.Labels, left = OfEachClass(Counts(labels, data.Classes), count);
        var isKept = new bool[labels.Length];
        for (int i = labels.Length - 1; i >= 0; i--) isKept[i] = left[labels[i]]-- > 0;
        IEnumerable<int> all = Enumerable.Range(0, labels.Length);
        return data.Train.At([.. all.Where(i => !isKept[i]), .. all.Where(i => isKept[i])]);
    }

    // By largest remainders; of each class with two images at least one, if there are as many, and one left, as far as that goes.
    private static int[] OfEachClass(int[] all, int count)
    {
        double Share(int c) => (double)count * all[c] / all.Sum();
        int[] classes = [.. Enumerable.Range(0, all.Length)];
        int least = count >= all.Count(n => n > 1) ? 1 : 0;
        int[] kept = [.. classes.Select(c => Math.Min(Math.Max((int)Share(c), least), Math.Max(0, all[c] - 1)))];
        while (kept.Sum() > count) kept[classes.Where(c => kept[c] > least).MaxBy(c => kept[c] - Share(c))]--;
        while (kept.Sum() < count)
        {
            // Where every class is down to one image, these go too.
            int[] open = [.. classes.Where(c => kept[c] < all[c] - 1)];
            kept[(open.Length > 0 ? open : [.. classes.Where(c => kept[c] < all[c])]).MaxBy(c => Share(c) - kept[c])]++;
        }
        return kept;
    }

    private static int[] Counts(ReadOnlySpan<int> labels, int classes)
    {
        var counts = new int[classes];
        foreach (int label in labels) counts[label]++;
        return counts;
    }
}

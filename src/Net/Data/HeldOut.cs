namespace GpuConv.Net;

/// <summary>Which images are for testing where a source has none: every fifth of each class (the 5th, the 10th, …), of fewer than five the last, of one none; the same ones whatever the seed.</summary>
internal static class HeldOut
{
    /// <summary>One of so many images of each class.</summary>
    private const int Period = 5;

    /// <summary>What is said where a source that could have test images has none.</summary>
    public const string Note = "every fifth image of each class is for testing";

    /// <summary>Whether an image is for testing.</summary>
    /// <param name="index">Its place among those of its class, from 0.</param>
    /// <param name="count">How many its class has.</param>
    public static bool IsForTest(int index, int count) => count < Period ? index == count - 1 && count > 1 : index % Period == Period - 1;

    /// <summary>Images in two parts.</summary>
    /// <param name="images">All.</param>
    /// <param name="name">What they come from, for messages.</param>
    /// <exception cref="DataException">No class has two images.</exception>
    public static (LabelledImages Train, LabelledImages Test) Split(LabelledImages images, string name)
    {
        Dictionary<int, int> counts = images.Labels.CountBy(l => l).ToDictionary();
        if (counts.Values.Max() < 2) throw new DataException($"{name} has no test images, and {images.Count} {(images.Count == 1 ? "image" : "images of as many classes")}: to test on some of them a class needs at least two.");
        var seen = new Dictionary<int, int>();
        List<int> train = [], test = [];
        for (int i = 0; i < images.Count; i++)
        {
            int label = images.Labels[i], at = seen.GetValueOrDefault(label);
            (IsForTest(at, counts[label]) ? test : train).Add(i);
            seen[label] = at + 1;
        }
        return (images.At(train), images.At(test));
    }
}

namespace GpuConv.Studies;

/// <summary>What is known of a channel after some images, in their order.</summary>
internal sealed class ChannelTally
{
    /// <summary>How many of the strongest images are kept.</summary>
    public const int Kept = 9;

    private readonly List<(int Image, float Value, int Position)> strongest = new(Kept + 1);
    private int images, activeImages;
    private double means, shares;

    /// <summary>The images with the largest values, largest first, of equal ones the first; and the position in the map.</summary>
    public IReadOnlyList<(int Image, float Value, int Position)> Strongest => strongest;

    /// <summary>The largest value.</summary>
    public float Maximum => strongest[0].Value;

    /// <summary>The mean of all values.</summary>
    public double Mean => means / images;

    /// <summary>The share of images with a value above zero.</summary>
    public double ActiveImages => (double)activeImages / images;

    /// <summary>The share of values above zero.</summary>
    public double ActivePositions => shares / images;

    /// <summary>Adds an image: the largest value of its map and where that is, the mean, the share above zero.</summary>
    public void Add(int image, float maximum, int position, float mean, float share)
    {
        images++;
        if (maximum > 0) activeImages++;
        means += mean;
        shares += share;
        if (strongest.Count == Kept && !(maximum > strongest[^1].Value)) return;
        int place = strongest.FindIndex(s => maximum > s.Value);
        strongest.Insert(place < 0 ? strongest.Count : place, (image, maximum, position));
        if (strongest.Count > Kept) strongest.RemoveAt(Kept);
    }
}

namespace GpuConv.Peers;

/// <summary>A part of large results, enough to see that they agree.</summary>
internal static class Sample
{
    /// <summary>The most elements that are taken of one result.</summary>
    private const int Most = 4096;

    /// <summary>Training steps whose losses are compared.</summary>
    public const int Losses = 5;

    /// <summary>Elements at equal distances, the first and, with an odd step, pixels and channels of all positions among them.</summary>
    public static float[] Of(ReadOnlySpan<float> all)
    {
        int step = Math.Max(1, all.Length / Most) | 1;
        var some = new float[(all.Length + step - 1) / step];
        for (int i = 0; i < some.Length; i++) some[i] = all[i * step];
        return some;
    }
}

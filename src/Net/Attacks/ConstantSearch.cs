namespace GpuConv.Net;

/// <summary>
/// The smallest constant with which each image is fooled, by bisection: ten times as large until one is found, then halfway between the largest that did not suffice and the smallest that
/// did (Carlini and Wagner's program).
/// </summary>
internal sealed class ConstantSearch
{
    // A constant that no image needs.
    private const float Largest = 1e10f;

    private readonly float[] constants, lower, upper;

    /// <summary>Begins.</summary>
    /// <param name="count">How many images.</param>
    /// <param name="initial">The first constant of each.</param>
    public ConstantSearch(int count, float initial)
    {
        (constants, lower, upper) = (new float[count], new float[count], new float[count]);
        Array.Fill(constants, initial);
        Array.Fill(upper, Largest);
    }

    /// <summary>The constants to try next, one for each image.</summary>
    public IReadOnlyList<float> Constants => constants;

    /// <summary>Goes on.</summary>
    /// <param name="found">For each image, whether it was fooled with its constant.</param>
    public void Next(IReadOnlyList<bool> found)
    {
        for (int n = 0; n < constants.Length; n++)
        {
            if (found[n]) upper[n] = Math.Min(upper[n], constants[n]);
            else lower[n] = Math.Max(lower[n], constants[n]);
            constants[n] = upper[n] < Largest ? (lower[n] + upper[n]) / 2 : 10 * constants[n];
        }
    }
}

namespace GpuConv.Studies;

/// <summary>
/// A classified image.
/// </summary>
/// <param name="Index">Its number in the split.</param>
/// <param name="Pixels">Its values, channel after channel (one, or red, green and blue), row by row.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Label">The true class, or null if nobody knows it.</param>
/// <param name="Predicted">The class with the highest probability.</param>
/// <param name="Probability">That probability.</param>
/// <param name="TrueProbability">The probability of the true class, where it was asked for.</param>
public sealed record Prediction(int Index, byte[] Pixels, int Height, int Width, int? Label, int Predicted, double Probability, double? TrueProbability = null)
{
    /// <summary>Whether the class is the true one.</summary>
    public bool IsRight => Label == Predicted;

    /// <summary>Whether the class is another than the true one.</summary>
    public bool IsWrong => Label is not null && Label != Predicted;

    /// <summary>Channels of the image.</summary>
    public int Channels => Pixels.Length / (Height * Width);
}

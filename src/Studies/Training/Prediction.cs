namespace GpuConv.Studies;

/// <summary>
/// A classified image.
/// </summary>
/// <param name="Index">Its number in the split.</param>
/// <param name="Pixels">Its grey values, row by row.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
/// <param name="Label">The true class.</param>
/// <param name="Predicted">The class with the highest probability.</param>
/// <param name="Probability">That probability.</param>
public sealed record Prediction(int Index, byte[] Pixels, int Height, int Width, int Label, int Predicted, double Probability)
{
    /// <summary>Whether the class is the true one.</summary>
    public bool IsRight => Label == Predicted;
}

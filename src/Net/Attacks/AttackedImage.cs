namespace GpuConv.Net;

/// <summary>What became of one image under attack.</summary>
/// <param name="Number">Its number in the set.</param>
/// <param name="Label">Its class.</param>
/// <param name="Target">The class that it was to be taken for; null: any other.</param>
/// <param name="CleanPredicted">What the network took it for before.</param>
/// <param name="Predicted">What it takes it for after.</param>
/// <param name="Confidence">The probability of that class.</param>
/// <param name="Attacked">Whether it was attacked at all: images that the network does not recognise, or takes for the target already, are not.</param>
/// <param name="Fooled">Whether the attack worked.</param>
/// <param name="L2">The perturbation's Euclidean length, on images of 0 to 1.</param>
/// <param name="Linf">Its largest element.</param>
/// <param name="L0">The number of elements that changed.</param>
public sealed record AttackedImage(
    int Number, int Label, int? Target, int CleanPredicted, int Predicted, float Confidence, bool Attacked, bool Fooled, double L2, double Linf, int L0);

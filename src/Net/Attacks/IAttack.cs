namespace GpuConv.Net;

/// <summary>
/// A way of changing images so that a network takes them for another class. An attack works on a batch that lies on the device; what it may use of the network
/// (scores, gradients) the batch has. Attacks are immutable: options are set when one is made.
/// </summary>
public interface IAttack
{
    /// <summary>The attack's name in the literature, as <c>pgd</c>.</summary>
    string Name { get; }

    /// <summary>The norm that it bounds or makes small.</summary>
    PerturbationNorm Norm { get; }

    /// <summary>The bound on the perturbation's size, on images of 0 to 1; null where the attack looks for the smallest one.</summary>
    float? Epsilon { get; }

    /// <summary>How often it is tried; an image is kept as soon as a try fools the network.</summary>
    int Restarts => 1;

    /// <summary>Changes <see cref="AttackBatch.Images"/>, which start as the originals.</summary>
    /// <param name="batch">The images under attack.</param>
    /// <param name="restart">Which try this is, from 0.</param>
    void Perturb(AttackBatch batch, int restart);
}

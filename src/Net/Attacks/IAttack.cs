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

    /// <summary>
    /// Whether it looks for the smallest perturbation. Then one larger than <see cref="Epsilon"/> is no success, and the image stays as it was; of other attacks none is
    /// larger.
    /// </summary>
    bool IsMinimal => false;

    /// <summary>Whether images can be given a class that they are to be taken for.</summary>
    bool CanTarget => true;

    /// <summary>Whether it sees the network's answers alone, no gradients.</summary>
    bool IsBlackBox => false;

    /// <summary>How often it starts again from another random place.</summary>
    int Restarts => 1;

    /// <summary>How often it is tried; an image is kept as soon as a try fools the network.</summary>
    /// <param name="classes">The network's classes.</param>
    /// <param name="targeted">Whether images have a class that they are to be taken for.</param>
    int Tries(int classes, bool targeted) => Restarts;

    /// <summary>The same attack with its bound, and the size of its steps, at a share of their own, for a training whose bound grows; null where it has no bound.</summary>
    /// <param name="share">The share, from 0 to 1.</param>
    IAttack? Scaled(float share) => null;

    /// <summary>Changes <see cref="AttackBatch.Images"/>, which start as the originals.</summary>
    /// <param name="batch">The images under attack.</param>
    /// <param name="restart">Which try this is, from 0.</param>
    void Perturb(AttackBatch batch, int restart);
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Peers;

/// <summary>What is timed in a case.</summary>
internal enum Work
{
    /// <summary>A training step: the batch from bytes, forward, loss, backward, Adam.</summary>
    Train,

    /// <summary>Normalised float32 images to log-probabilities.</summary>
    Infer,

    /// <summary>Projected gradient descent on images, <see cref="Case.AttackSteps"/> steps from a random start: gradients to the input alone.</summary>
    Attack,

    /// <summary>One operator, forward.</summary>
    Forward,

    /// <summary>One operator, forward and the gradients that training needs of it.</summary>
    ForwardBackward,
}

/// <summary>One line of the table: the same work for every peer.</summary>
/// <param name="Name">Its name, unique.</param>
/// <param name="Work">What is timed.</param>
/// <param name="Batch">Images of one run.</param>
/// <param name="Network">The report's network, or for a single operator a network of that one layer.</param>
internal sealed record Case(string Name, Work Work, int Batch, Network Network)
{
    /// <summary>All cases in the order of the table.</summary>
    public static IReadOnlyList<Case> All { get; } = [.. Networks(), .. Operators()];

    /// <summary>The steps of an attack.</summary>
    public const int AttackSteps = 10;

    /// <summary>An attack's bound and the size of its steps, as Madry et al. 2018 have them for MNIST.</summary>
    public const float Epsilon = 0.3f, Alpha = 0.01f;

    /// <summary>Whether the gradient to the input is asked for: where the input is an image of the data set, no training needs it.</summary>
    public bool NeedsInputGradient => Network.InputShape != Image;

    private static Shape Image => new(1, 28, 28);

    private static IEnumerable<Case> Networks()
    {
        foreach (bool batchNorm in (bool[])[false, true])
            foreach (int batch in (int[])[64, 256])
                yield return new Case($"train, batch {batch}{Suffix(batchNorm)}", Work.Train, batch, Network.Report(Image, 10, batchNorm));
        foreach (bool batchNorm in (bool[])[false, true])
            foreach (int batch in (int[])[1, 64, 256, 1024])
                yield return new Case($"infer, batch {batch}{Suffix(batchNorm)}", Work.Infer, batch, Network.Report(Image, 10, batchNorm));
        foreach (bool batchNorm in (bool[])[false, true])
            yield return new Case($"attack, batch 128{Suffix(batchNorm)}", Work.Attack, 128, Network.Report(Image, 10, batchNorm));
    }

    private static IEnumerable<Case> Operators()
    {
        Network conv1 = new NetworkBuilder(Image).Conv2D(32, 3, padding: 1).Build();
        Network conv2 = new NetworkBuilder(new Shape(32, 14, 14)).Conv2D(32, 3, padding: 1).Build();
        Network fc1 = new NetworkBuilder(new Shape(1568)).Linear(500).Build();
        yield return new Case("conv1, batch 64, forward", Work.Forward, 64, conv1);
        yield return new Case("conv1, batch 64, forward + dw db", Work.ForwardBackward, 64, conv1);
        yield return new Case("conv2, batch 64, forward", Work.Forward, 64, conv2);
        yield return new Case("conv2, batch 64, forward + dx dw db", Work.ForwardBackward, 64, conv2);
        yield return new Case("fc1, batch 64, forward", Work.Forward, 64, fc1);
        yield return new Case("fc1, batch 64, forward + dx dw db", Work.ForwardBackward, 64, fc1);
    }

    private static string Suffix(bool batchNorm) => batchNorm ? ", batch norm" : "";
}

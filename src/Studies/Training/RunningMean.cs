namespace GpuConv.Studies;

/// <summary>Loss and accuracy in a part of an epoch, over the images of its steps: a row of <c>progress.csv</c>.</summary>
/// <param name="Epoch">The middle of the part, in epochs from the start: 0.5 is the middle of the first epoch.</param>
/// <param name="Loss">Mean negative log-likelihood, in nats.</param>
/// <param name="Accuracy">Fraction of the images that were classified rightly.</param>
public sealed record RunningMean(double Epoch, double Loss, double Accuracy)
{
    /// <summary>Parts of an epoch: a twentieth of MNIST is some 3,000 images, whose mean wobbles little enough to be read.</summary>
    internal const int PartsOfEpoch = 20;

    /// <summary>The means of the parts of an epoch, which differ in length by one step at most.</summary>
    /// <param name="epoch">The epoch, from 1.</param>
    /// <param name="losses">The mean loss of each step.</param>
    /// <param name="accuracies">The accuracy of each step.</param>
    /// <param name="batch">Images of a step.</param>
    /// <param name="images">Images of the epoch: the last step may have fewer than the others.</param>
    internal static RunningMean[] OfEpoch(int epoch, IReadOnlyList<float> losses, IReadOnlyList<float> accuracies, int batch, int images)
    {
        int steps = losses.Count, parts = Math.Min(PartsOfEpoch, steps);
        var means = new RunningMean[parts];
        for (int part = 0; part < parts; part++)
        {
            int first = (int)((long)part * steps / parts), end = (int)((long)(part + 1) * steps / parts);
            double loss = 0, right = 0;
            for (int i = first; i < end; i++)
            {
                int count = ImagesOf(i);
                loss += (double)losses[i] * count;
                right += (double)accuracies[i] * count;
            }
            int from = Math.Min(first * batch, images), to = Math.Min(end * batch, images);
            means[part] = new RunningMean(epoch - 1 + (from + to) / 2.0 / images, loss / (to - from), right / (to - from));
        }
        return means;

        int ImagesOf(int step) => Math.Min(batch, images - step * batch);
    }
}

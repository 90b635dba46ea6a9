using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The same training without and with batch normalisation, epoch by epoch in turn, and in turn first, so that whatever else the machine does
/// slows both alike. Neither knows of the other: their numbers are those of trainings on their own.
/// </summary>
internal sealed class TrainingPair : IDisposable
{
    private readonly int epochs;
    private readonly int first;

    /// <param name="device">The device both run on.</param>
    /// <param name="data">The images.</param>
    /// <param name="settings">The options of both.</param>
    /// <param name="checkpoint">The file of each one's checkpoint, by whether it has batch normalisation.</param>
    /// <param name="isCompared">Whether epochs are measured as the comparison needs; a sweep does without.</param>
    /// <param name="looksAtLayers">Whether the distributions by layer are taken.</param>
    /// <exception cref="RequestException">The options do not fit the data.</exception>
    public TrainingPair(Device device, DataSet data, TrainSettings settings, Func<bool, string> checkpoint, bool isCompared, bool looksAtLayers = false)
    {
        epochs = settings.Epochs;
        first = (int)(settings.Seed % 2);
        Without = Create(false);
        try
        {
            With = Create(true);
        }
        catch
        {
            Without.Dispose();
            throw;
        }

        ComparedTraining Create(bool batchNorm)
        {
            try
            {
                return new ComparedTraining(device, data, settings with { BatchNorm = batchNorm }, checkpoint(batchNorm), isCompared, looksAtLayers);
            }
            catch (ArgumentException e)
            {
                throw new RequestException(e.Message);
            }
        }
    }

    public ComparedTraining Without { get; }

    public ComparedTraining With { get; }

    public ComparedTraining[] Both => [Without, With];

    /// <summary>Trains both to the end, or until each diverged.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled; both go on from their checkpoints.</exception>
    public void Run(CancellationToken cancellation)
    {
        for (int epoch = 1; epoch <= epochs; epoch++)
        {
            foreach (ComparedTraining training in (epoch + first) % 2 == 0 ? [With, Without] : Both) training.RunUntil(epoch, cancellation);
        }
    }

    public void Dispose()
    {
        Without.Dispose();
        With.Dispose();
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>A small convolutional model that was trained for a moment.</summary>
internal static class TrainedModel
{
    public static Model Of(DataSet data, ulong seed = 5)
    {
        Network network = new NetworkBuilder(data.Train.ImageShape).Conv2D(4, 3, padding: 1).Relu().MaxPool(2).Flatten().Linear(data.Classes).LogSoftmax().Build();
        using var trainer = new Trainer(TestDevices.Get("cpu"), network, data, new TrainingOptions { Epochs = 2, Batch = 16, Validation = 0, LearningRate = 0.003, Seed = seed });
        trainer.Run();
        return new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name);
    }
}

using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>A folder with the first images of MNIST: enough for a training to be one, and soon tested without vector instructions too.</summary>
public sealed class MnistPart : IDisposable
{
    public const int TrainImages = 520, TestImages = 100;

    private readonly TemporaryFolder folder = new();

    public MnistPart()
    {
        DataSet mnist = DataSet.Load(DataSet.Mnist);
        IdxFolder.Write(folder.Path, mnist with { Train = mnist.Train.First(TrainImages), Test = mnist.Test.First(TestImages) });
    }

    public string Path => folder.Path;

    public void Dispose() => folder.Dispose();
}

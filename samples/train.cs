#:project ../src/Net/GpuConv.Net.csproj
#:property PublishAot=false

// A network in ten lines, trained on a part of MNIST: dotnet run samples/train.cs [IMAGES]

using System.Runtime.InteropServices;
using GpuConv.Kernels;
using GpuConv.Net;

int images = args.Length > 0 ? int.Parse(args[0]) : 10_000;

// MNIST is inside the library: 60,000 images to train on, 10,000 to test.
DataSet data = DataSet.Load("mnist");

// What the network is. Every layer's shape follows from the one before and is checked at once; nothing runs yet.
Network network = new NetworkBuilder(data.Train.ImageShape)
    .Conv2D(16, kernel: 3, padding: 1).BatchNormalization().Relu().MaxPool(2)
    .Conv2D(32, kernel: 3, padding: 1).BatchNormalization().Relu().MaxPool(2)
    .Flatten().Linear(data.Classes).LogSoftmax()
    .Build();
Console.WriteLine($"{network}{network.TrainableCount:n0} parameters");

// Where it runs: the first GPU, else the CPU. The trainer allocates everything now; an epoch allocates nothing.
using Device device = Device.Open();
using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 2, Limit = images, Validation = 2000, LearningRate = 0.002 });

// It knows no console: it raises events.
trainer.EpochDone += (row, losses) => Console.WriteLine(
    $"epoch {row.Epoch}: loss {losses[0]:f2} at the first step, {row.TrainLoss:f3} on average; {row.ValidationAccuracy:p1} of images it has not seen are right; {row.ImagesPerSecond:n0} images a second");

// Ctrl-C stops after the step at work. Trainer.Capture then has all that another trainer needs to go on from there, to the same bits.
using var cancellation = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, pressed =>
{
    pressed.Cancel = true;
    cancellation.Cancel();
});
Console.WriteLine($"on {device.Name}: {trainer.Run(cancellation.Token)}");

// The weights and what belongs to them; PyTorch reads the file too.
var model = new Model(network, trainer.BestWeights, data.Mean, data.Deviation, data.Name);
using var predictor = new Predictor(device, model);
Evaluation test = predictor.Evaluate(data.Test);
Console.WriteLine($"test accuracy {test.Accuracy:p2}; hardest to recognise: {test.PerClass.MinBy(c => c.Accuracy)!.Class}");

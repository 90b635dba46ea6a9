using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.PyTorch;

// Trains the report's network from the same weights on the same batches here and in PyTorch, and compares the loss of every step.
// Fails if one differs by more than 1e-3 of itself. Then attacks it by ten steps of PGD here and there: AttackComparison. Last the gradient of the loss where a network is sure: SureGradient. With 'attacks' as its argument without the training.
const double Allowed = 1e-3;
bool attacksAlone = args is ["attacks"];
int steps = attacksAlone || args is ["networks", ..] ? 0 : args.Length > 0 ? int.Parse(args[0]) : 100;
const int Batch = 64;

DataSet data = DataSet.Load("mnist");
using Device device = Device.Open("cpu", threads: args is ["networks", ..] ? 1 : 0);
// 'networks TEXTS OUT': the networks of that folder between here and PyTorch: Interchange.
if (args is ["networks", var texts, var folder]) return Interchange.Run(device, data, texts, folder) ? 0 : 1;
bool passed = true;
Console.WriteLine($"{steps} steps of {Batch} images on {device.Name}, {device.SimdBits}-bit vectors; PyTorch {TorchSharp.torch.__version__}");
if (steps > 0) Console.WriteLine("batch norm  optimiser     first loss   last loss   largest relative difference   ms/step here  PyTorch");
foreach (bool batchNorm in steps > 0 ? (bool[])[false, true] : [])
{
    foreach ((string name, TrainingOptions options) in (ReadOnlySpan<(string, TrainingOptions)>)
        [
            ("sgd 0.01", new TrainingOptions { Optimizer = OptimizerKind.Sgd, LearningRate = 0.01 }),
            ("sgd 1e-3, 0.9", new TrainingOptions { Optimizer = OptimizerKind.Sgd, LearningRate = 0.001, Momentum = 0.9f }),
            ("adam 1e-3", new TrainingOptions()),
        ])
    {
        TrainingOptions run = options with { Epochs = 1, Batch = Batch, Limit = steps * Batch, Shuffle = false, Validation = 0 };
        Network network = Network.Report(new Shape(1, 28, 28), data.Classes, batchNorm);
        Weights initial = TorchTraining.Initial(network, 1);
        IReadOnlyList<float> ours = [];
        using var trainer = new Trainer(device, network, data, run, initial);
        trainer.EpochDone += (_, losses) => ours = losses;
        trainer.Run();
        (float[] theirs, double milliseconds) = TorchTraining.Run(initial, batchNorm, data, run, steps);

        double largest = 0;
        for (int i = 0; i < steps; i++)
        {
            double difference = Math.Abs(ours[i] - theirs[i]) / Math.Abs(theirs[i]);
            // NaN must fail, so it is not compared away by Max.
            if (!(difference <= largest)) largest = difference;
        }
        // The bar holds for plain SGD; the others amplify roundings, and are shown.
        bool counts = run.Optimizer == OptimizerKind.Sgd && run.Momentum == 0;
        bool good = largest <= Allowed;
        passed &= good || !counts;
        string verdict = counts ? (good ? "ok" : "TOO LARGE") : "";
        Console.WriteLine($"{(batchNorm ? "with" : "without"),-11} {name,-13} {ours[0],10:f6}  {ours[^1],10:f6}   {largest,10:e2} {verdict,-16} {trainer.StepMilliseconds,12:f2}  {milliseconds,7:f2}");
    }
}
Console.WriteLine("batch norm  PGD, pixels");
foreach (bool batchNorm in (bool[])[false, true]) passed &= AttackComparison.Run(device, data, batchNorm);
passed &= SureGradient.Run(device);
Console.WriteLine(passed ? "passed" : "failed");
return passed ? 0 : 1;

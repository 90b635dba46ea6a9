using GpuConv.Kernels;
using GpuConv.Net;
using TorchSharp;
using TorchSharp.PyBridge;
using static TorchSharp.torch;
using Device = GpuConv.Kernels.Device;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.PyTorch;

/// <summary>
/// Networks that go from PyTorch to here and back as safetensors files, written and read there by TorchSharp.PyBridge: trained there for a moment, the same outputs here; trained on here,
/// step by step as there; the same outputs there again.
/// </summary>
internal static class Interchange
{
    private const int Batch = 64, StepsThere = 100, StepsBoth = 20, Compared = 1000;

    // Log-probabilities down to -20 or so, through up to ten layers of sums of some hundred products in another order.
    private const double SameOutputs = 1e-4;

    private const double SameLosses = 1e-3;

    /// <summary>Prints what was found, and leaves each network's file as PyTorch wrote it in a folder.</summary>
    /// <param name="device">The device here.</param>
    /// <param name="data">The images.</param>
    /// <param name="texts">The folder with the networks' texts.</param>
    /// <param name="folder">Where the files go.</param>
    /// <returns>Whether all outputs, losses and accuracies are as they should be.</returns>
    public static bool Run(Device device, DataSet data, string texts, string folder)
    {
        bool passed = true;
        // Small networks: teams of threads would wait for each other.
        set_num_threads(1);
        Console.WriteLine($"network    written by PyTorch, read here    {StepsBoth} steps of SGD    trained on here    written here, read by PyTorch");
        foreach ((string name, Func<nn.Module<Tensor, Tensor>> create) in TorchNetworks.All)
        {
            random.manual_seed(1);
            using nn.Module<Tensor, Tensor> module = create();
            Train(module, data, Adam(module), 0, StepsThere);
            string path = Path.Combine(folder, $"{name}.safetensors");
            module.save_safetensors(path);
            Network network = NetworkText.Parse(File.ReadAllText(Path.Combine(texts, $"{name}.txt")));
            Model model = Read(path, network, data);
            double there = Difference(device, model, module, data);

            // Each step's loss here and there, from these weights. Dropout draws other numbers here, so it is left out for this.
            Network plain = NetworkText.Parse(string.Concat(network.ToString().Split('\n').Where(l => !l.StartsWith("dropout", StringComparison.Ordinal)).Select(l => l + "\n")));
            IReadOnlyList<float> ours = [];
            using (var trainer = new Trainer(device, plain, data, new TrainingOptions { Optimizer = OptimizerKind.Sgd, LearningRate = 0.01, Epochs = 1, Batch = Batch, Limit = StepsBoth * Batch, Shuffle = false, Validation = 0 }, model.Weights))
            {
                trainer.EpochDone += (_, losses) => ours = losses;
                trainer.Run();
            }
            float[] theirs;
            using (nn.Module<Tensor, Tensor> copy = create())
            {
                copy.load_safetensors(path); // all names, strictly
                foreach (nn.Module m in copy.modules()) if (m is TorchSharp.Modules.Dropout dropout) dropout.p = 0;
                theirs = Train(copy, data, optim.SGD(copy.parameters(), 0.01), 0, StepsBoth);
            }
            double step = ours.Zip(theirs, (o, t) => Math.Abs(o - t) / Math.Abs((double)t)).Aggregate(0.0, Larger);

            // Trained on here, and back.
            using var on = new Trainer(device, network, data, new TrainingOptions { Epochs = 1, Batch = Batch, Limit = 6400, Validation = 0 }, model.Weights);
            on.Run();
            Model after = model with { Weights = on.CurrentWeights };
            string back = Path.Combine(folder, $"{name}-trained-on.safetensors");
            after.Write(back);
            using nn.Module<Tensor, Tensor> returned = create();
            // Strict but for PyTorch's count of batches, which nothing reads: Python's load_state_dict does without it too.
            var loaded = new Dictionary<string, bool>();
            returned.load_safetensors(back, strict: false, loadedParameters: loaded);
            string[] missing = [.. loaded.Where(p => !p.Value && !p.Key.EndsWith("num_batches_tracked", StringComparison.Ordinal)).Select(p => p.Key)];
            if (missing.Length > 0) throw new InvalidDataException($"PyTorch finds no {missing[0]} in {back}.");
            double here = Difference(device, after, returned, data);
            (double first, double last) = (Accuracy(device, model, data), Accuracy(device, after, data));

            bool good = there <= SameOutputs && step <= SameLosses && here <= SameOutputs && last > first - 0.005;
            passed &= good;
            Console.WriteLine($"{name,-10} {there,20:e2} {step,27:e2} {100 * first,12:f2} to {100 * last:f2} % {here,20:e2}  {(good ? "ok" : "WRONG")}");
        }
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float64, ScalarType.Float16, ScalarType.BFloat16]) passed &= OtherType(device, data, texts, folder, type);
        return passed;
    }

    // Weights in another type: what PyTorch computes with them as float32 is what is computed here.
    private static bool OtherType(Device device, DataSet data, string texts, string folder, ScalarType type)
    {
        random.manual_seed(2);
        using nn.Module<Tensor, Tensor> module = TorchNetworks.All.First().Create();
        module.to(type);
        string path = Path.Combine(folder, $"lenet5-{type}.safetensors");
        module.save_safetensors(path);
        module.to(ScalarType.Float32);
        double difference = Difference(device, Read(path, NetworkText.Parse(File.ReadAllText(Path.Combine(texts, "lenet5.txt"))), data), module, data);
        bool good = difference <= SameOutputs;
        Console.WriteLine($"lenet5 as {type}: outputs within {difference:e2}  {(good ? "ok" : "WRONG")}");
        return good;
    }

    private static Model Read(string path, Network network, DataSet data) => Model.Read(path, new ModelReading { Context = () => new ModelContext(data.Test.ImageShape, data.Mean, data.Deviation, data.Name, network) });

    private static double Accuracy(Device device, Model model, DataSet data)
    {
        using var predictor = new Predictor(device, model);
        return predictor.Evaluate(data.Test, CancellationToken.None).Accuracy;
    }

    // The largest difference of log-probabilities on the first test images.
    private static double Difference(Device device, Model model, nn.Module<Tensor, Tensor> module, DataSet data)
    {
        module.eval();
        LabelledImages images = data.Test.First(Compared);
        float[] theirs;
        using (NewDisposeScope())
        {
            using var _ = no_grad();
            Tensor x = tensor(images.Pixels).reshape(-1, 1, images.Height, images.Width).to(ScalarType.Float32).div(255f).sub(data.Mean).div(data.Deviation);
            theirs = module.forward(x).data<float>().ToArray();
        }
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
        parameters.Load(model.Weights);
        var plan = new Plan(arena, parameters, Batch, PlanPurpose.Infer);
        double largest = 0;
        for (int first = 0; first < Compared; first += Batch)
        {
            int count = Math.Min(Batch, Compared - first);
            plan.Input.First(count).CopyFrom(model.Normalised(images.Pixels.AsSpan(first * images.ImageSize, count * images.ImageSize)));
            plan.Forward(count);
            float[] ours = plan.Output.First(count).ToArray();
            for (int i = 0; i < ours.Length; i++) largest = Larger(largest, Math.Abs(ours[i] - theirs[first * model.Classes + i]));
        }
        return largest;
    }

    // NaN counts as larger than anything.
    private static double Larger(double a, double b) => b <= a ? a : b;

    private static TorchSharp.Modules.Adam Adam(nn.Module module) => optim.Adam(module.parameters(), 1e-3);

    private static float[] Train(nn.Module<Tensor, Tensor> module, DataSet data, optim.Optimizer optimizer, int first, int steps)
    {
        module.train();
        using Tensor pixels = tensor(data.Train.Pixels).reshape(-1, 1, data.Train.Height, data.Train.Width);
        using Tensor labels = tensor(Array.ConvertAll(data.Train.Labels, l => (long)l));
        var losses = new float[steps];
        for (int step = first; step < first + steps; step++)
        {
            using var scope = NewDisposeScope();
            Tensor x = pixels.slice(0, step * Batch, (step + 1) * Batch, 1).to(ScalarType.Float32).div(255f).sub(data.Mean).div(data.Deviation);
            optimizer.zero_grad();
            Tensor loss = nn.functional.nll_loss(module.forward(x), labels.slice(0, step * Batch, (step + 1) * Batch, 1));
            loss.backward();
            optimizer.step();
            losses[step - first] = loss.item<float>();
        }
        optimizer.Dispose();
        return losses;
    }
}

using System.Diagnostics;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.PyTorch;

/// <summary>The report's network trained by PyTorch, on batches in the file's order.</summary>
internal static class TorchTraining
{
    /// <summary>PyTorch's own first weights.</summary>
    public static Weights Initial(Network network, long seed)
    {
        random.manual_seed(seed);
        using nn.Module<Tensor, Tensor> module = Build(network.HasBatchNormalization);
        Dictionary<string, Tensor> state = module.state_dict();
        return new Weights([.. network.Parameters.Select(p => new NamedArray(p.Name, p.Shape.ToArray(), state[p.Name].data<float>().ToArray()))]);
    }

    /// <summary>The loss of each step, and the median milliseconds of one.</summary>
    public static (float[] Losses, double Milliseconds) Run(Weights initial, bool batchNorm, DataSet data, TrainingOptions options, int steps)
    {
        set_num_threads(Environment.ProcessorCount);
        using nn.Module<Tensor, Tensor> network = Build(batchNorm);
        Load(network, initial);
        network.train();
        using optim.Optimizer optimizer = options.Optimizer == OptimizerKind.Sgd
            ? optim.SGD(network.parameters(), options.LearningRate, options.Momentum)
            : optim.Adam(network.parameters(), options.LearningRate);

        using Tensor pixels = tensor(data.Train.Pixels).reshape(-1, 1, data.Train.Height, data.Train.Width);
        using Tensor labels = tensor(Array.ConvertAll(data.Train.Labels, l => (long)l));
        var losses = new float[steps];
        var times = new double[steps];
        for (int step = 0; step < steps; step++)
        {
            long start = Stopwatch.GetTimestamp();
            using (NewDisposeScope())
            {
                Tensor images = pixels.slice(0, step * options.Batch, (step + 1) * options.Batch, 1).to(ScalarType.Float32).div(255f).sub(data.Mean).div(data.Deviation);
                Tensor truth = labels.slice(0, step * options.Batch, (step + 1) * options.Batch, 1);
                optimizer.zero_grad();
                Tensor loss = nn.functional.nll_loss(network.forward(images), truth);
                loss.backward();
                optimizer.step();
                losses[step] = loss.item<float>();
            }
            times[step] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        Array.Sort(times);
        return (losses, times[steps / 2]);
    }

    /// <summary>The report's network in PyTorch's modules.</summary>
    public static nn.Module<Tensor, Tensor> Build(bool batchNorm)
    {
        List<(string, nn.Module<Tensor, Tensor>)> layers = [];
        for (int i = 1; i <= 2; i++)
        {
            layers.Add(($"conv{i}", nn.Conv2d(i == 1 ? 1 : 32, 32, 3, padding: 1)));
            if (batchNorm) layers.Add(($"bn{i}", nn.BatchNorm2d(32)));
            layers.Add(($"relu{i}", nn.ReLU()));
            layers.Add(($"pool{i}", nn.MaxPool2d(2)));
        }
        layers.Add(("flatten1", nn.Flatten()));
        layers.Add(("fc1", nn.Linear(1568, 500)));
        layers.Add(("relu3", nn.ReLU()));
        layers.Add(("fc2", nn.Linear(500, 500)));
        layers.Add(("relu4", nn.ReLU()));
        layers.Add(("fc3", nn.Linear(500, 10)));
        layers.Add(("logsoftmax1", nn.LogSoftmax(1)));
        return nn.Sequential(layers.ToArray());
    }

    /// <summary>Sets a module's parameters and statistics.</summary>
    public static void Load(nn.Module network, Weights weights)
    {
        Dictionary<string, Tensor> state = network.state_dict();
        using var _ = no_grad();
        foreach (NamedArray array in weights.Arrays)
            state[array.Name].copy_(tensor(array.Values).reshape([.. array.Shape.Select(s => (long)s)]));
    }
}

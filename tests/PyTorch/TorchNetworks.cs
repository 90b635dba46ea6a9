using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.PyTorch;

/// <summary>The networks of <c>docs/networks</c> as PyTorch's modules, written as one writes them there, under the names that follow from that.</summary>
internal static class TorchNetworks
{
    /// <summary>A network with its file's name.</summary>
    public static IEnumerable<(string Name, Func<nn.Module<Tensor, Tensor>> Create)> All =>
        [("lenet5", LeNet5), ("residual", () => new ResidualNetwork()), ("depthwise", () => new Separable()), ("hourglass", () => new Hourglass())];

    private static nn.Module<Tensor, Tensor> LeNet5() => nn.Sequential(
        ("conv1", nn.Conv2d(1, 6, 5, padding: 2)), ("tanh1", nn.Tanh()), ("pool1", nn.AvgPool2d(2)),
        ("conv2", nn.Conv2d(6, 16, 5)), ("tanh2", nn.Tanh()), ("pool2", nn.AvgPool2d(2)), ("flatten", nn.Flatten()),
        ("fc1", nn.Linear(400, 120)), ("tanh3", nn.Tanh()), ("fc2", nn.Linear(120, 84)), ("tanh4", nn.Tanh()), ("fc3", nn.Linear(84, 10)),
        ("logsoftmax", nn.LogSoftmax(1)));

    private sealed class ResidualNetwork : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> stem, layer1, layer2, fc;

        public ResidualNetwork() : base("residual")
        {
            stem = nn.Sequential(("conv", Convolution(1, 16, 3, 1)), ("bn", nn.BatchNorm2d(16)));
            layer1 = new Block(16, 32, 2);
            layer2 = new Block(32, 32, 1);
            fc = nn.Linear(32, 10);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) =>
            nn.functional.log_softmax(fc.forward(layer2.forward(layer1.forward(stem.forward(x).relu())).mean([2L, 3L])), 1);
    }

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> conv1, bn1, conv2, bn2;
        private readonly nn.Module<Tensor, Tensor>? downsample;

        public Block(int from, int to, int stride) : base("block")
        {
            conv1 = Convolution(from, to, 3, stride);
            bn1 = nn.BatchNorm2d(to);
            conv2 = Convolution(to, to, 3, 1);
            bn2 = nn.BatchNorm2d(to);
            if (stride != 1 || from != to) downsample = nn.Sequential(("0", Convolution(from, to, 1, stride)), ("1", nn.BatchNorm2d(to)));
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => (bn2.forward(conv2.forward(bn1.forward(conv1.forward(x)).relu())) + (downsample is null ? x : downsample.forward(x))).relu();
    }

    private sealed class Separable : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> features, classifier;
        private readonly nn.Module<Tensor, Tensor> dropout = nn.Dropout(0.1);

        public Separable() : base("separable")
        {
            features = nn.Sequential(
                Convolution(1, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU(),
                Convolution(16, 16, 3, 1, groups: 16), nn.BatchNorm2d(16), nn.ReLU(), Convolution(16, 32, 1, 1), nn.BatchNorm2d(32), nn.ReLU(),
                Convolution(32, 32, 3, 2, groups: 32), nn.BatchNorm2d(32), nn.ReLU(), Convolution(32, 64, 1, 1), nn.BatchNorm2d(64), nn.ReLU());
            classifier = nn.Linear(64, 10);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x) => nn.functional.log_softmax(classifier.forward(dropout.forward(features.forward(x).mean([2L, 3L]))), 1);
    }

    private sealed class Hourglass : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> first = nn.Conv2d(1, 8, 3, padding: 1), norm = nn.GroupNorm(4, 8), middle = nn.Conv2d(8, 16, 3, padding: 1), layer = nn.LayerNorm([16, 14, 14]);
        private readonly nn.Module<Tensor, Tensor> up = nn.ConvTranspose2d(16, 8, 2, stride: 2), fuse = nn.Conv2d(16, 16, 3, stride: 4, padding: 1), last = nn.Conv2d(16, 32, 3, stride: 2, padding: 1), fc = nn.Linear(32, 10);

        public Hourglass() : base("hourglass")
        {
            RegisterComponents();
            // TorchSharp leaves them as they lie in memory.
            foreach ((string name, TorchSharp.Modules.Parameter parameter) in norm.named_parameters()) nn.init.constant_(parameter, name == "weight" ? 1 : 0);
        }

        public override Tensor forward(Tensor x)
        {
            Tensor seen = nn.functional.silu(norm.forward(first.forward(x)));
            Tensor small = nn.functional.gelu(layer.forward(middle.forward(nn.functional.max_pool2d(seen, 2))));
            Tensor fused = nn.functional.hardswish(fuse.forward(cat([up.forward(small), seen], 1)));
            Tensor large = nn.functional.interpolate(fused, scale_factor: [2, 2], mode: InterpolationMode.Nearest);
            return nn.functional.log_softmax(fc.forward(last.forward(large).relu().mean([2L, 3L])), 1);
        }
    }

    private static nn.Module<Tensor, Tensor> Convolution(int from, int to, int kernel, int stride, int groups = 1) =>
        nn.Conv2d(from, to, kernel, stride: stride, padding: kernel / 2, groups: groups, bias: false);
}

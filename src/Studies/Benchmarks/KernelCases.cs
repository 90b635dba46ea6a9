using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>The kernels that are timed. To add a case is to add a line.</summary>
internal static class KernelCases
{
    /// <summary>The cases for a device: on the simulated GPU, which takes a thread for each lane, the network's alone and tiny.</summary>
    public static IReadOnlyList<KernelCase> For(DeviceKind kind) =>
        kind == DeviceKind.Simulated
            ? OfNetwork(batch: 2, size: 4, channels: 8, hidden: 20)
            : [.. kind == DeviceKind.Cpu ? Fused : [], .. OfNetwork(batch: 64, size: 28, channels: 32, hidden: 500), .. Further];

    /// <summary>The network's convolutions as plans for CPUs run them.</summary>
    private static IEnumerable<KernelCase> Fused =>
    [
        .. ConvBlockCases.Of("conv1", 64, Conv2DShape.Square(1, 28, 32, kernel: 3, padding: 1)),
        .. ConvBlockCases.Of("conv2", 64, Conv2DShape.Square(32, 14, 32, kernel: 3, padding: 1)),
    ];

    /// <summary>Every operator with the shapes that it has in the report's network.</summary>
    private static IReadOnlyList<KernelCase> OfNetwork(int batch, int size, int channels, int hidden)
    {
        const int classes = 10;
        int half = size / 2, quarter = size / 4, features = channels * quarter * quarter;
        int parameters = channels * (9 + 1 + 2) + channels * (channels * 9 + 1 + 2) + hidden * (features + 1) + hidden * (hidden + 1) + classes * (hidden + 1);
        return
        [
            .. InputCases.Of(batch, size),
            .. ConvolutionCases.Of("conv1", batch, Conv2DShape.Square(1, size, channels, kernel: 3, padding: 1)),
            .. ConvolutionCases.Of("conv2", batch, Conv2DShape.Square(channels, half, channels, kernel: 3, padding: 1)),
            .. NormalizationCases.Of("bn1", batch, channels, size),
            .. NormalizationCases.Of("bn2", batch, channels, half),
            .. PoolingCases.Max("maxpool1", batch, channels, size, window: 2),
            .. PoolingCases.Max("maxpool2", batch, channels, half, window: 2),
            .. DenseCases.Linear("fc1", batch, features, hidden),
            .. DenseCases.Linear("fc2", batch, hidden, hidden),
            .. DenseCases.Linear("fc3", batch, hidden, classes),
            .. ElementwiseCases.Of(batch * channels * size * size),
            .. LossCases.Of(batch, classes),
            .. OptimizerCases.Of(parameters),
            .. PoolingCases.Average("avgpool", batch, channels, size, window: 2),
            .. PoolingCases.Global(batch, channels, half),
        ];
    }

    /// <summary>Larger ones: a matrix product that fills the caches, and convolutions of networks for CIFAR and ImageNet; and a small one, for the launch.</summary>
    private static IEnumerable<KernelCase> Further =>
    [
        DenseCases.Product(1024),
        ElementwiseCases.Small(1000),
        .. ConvolutionCases.Of("CIFAR", 64, Conv2DShape.Square(64, 32, 64, kernel: 3, padding: 1)),
        .. ConvolutionCases.Of("CIFAR, strided", 64, Conv2DShape.Square(128, 16, 128, kernel: 3, padding: 1, stride: 2)),
        .. ConvolutionCases.Of("ResNet-50, 1x1", 16, Conv2DShape.Square(64, 56, 64, kernel: 1, padding: 0)),
        .. ConvolutionCases.Of("ResNet-50", 16, Conv2DShape.Square(128, 28, 128, kernel: 3, padding: 1)),
        .. ConvolutionCases.Of("ResNet-50, deep", 16, Conv2DShape.Square(256, 14, 256, kernel: 3, padding: 1)),
        .. ConvolutionCases.Of("MobileNet, depthwise", 16, Conv2DShape.Square(128, 56, 128, kernel: 3, padding: 1, groups: 128)),
    ];
}

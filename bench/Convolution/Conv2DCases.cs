using GpuConv.Kernels;

namespace GpuConv.Bench;

/// <summary>A convolution to be timed.</summary>
/// <param name="From">The network that it is from.</param>
/// <param name="Batch">Images.</param>
/// <param name="Shape">Its sizes.</param>
public sealed record Conv2DCase(string From, int Batch, Conv2DShape Shape) : ICosted
{
    Cost ICosted.CostOf(string method) => new(Shape.Flops(Batch), Shape.Bytes(Batch));

    /// <inheritdoc/>
    public override string ToString() =>
        $"{From} ({Batch},{Shape.Input}) -> {Shape.OutChannels}, {Shape.KernelHeight}x{Shape.KernelWidth} /{Shape.StrideHeight}" + (Shape.Groups > 1 ? $" groups {Shape.Groups}" : "");
}

/// <summary>A fair set of convolutions: small and large images, few and many channels, strides, 1x1, depthwise.</summary>
internal static class Conv2DCases
{
    /// <summary>Those of the report's network.</summary>
    public static IReadOnlyList<Conv2DCase> Report { get; } = [Square("MNIST", 64, 1, 28, 32, 3, 1, 1), Square("MNIST", 64, 32, 14, 32, 3, 1, 1)];

    /// <summary>Those of well-known networks.</summary>
    public static IReadOnlyList<Conv2DCase> Further { get; } =
    [
        Square("LeNet", 64, 1, 28, 6, 5, 1, 2), Square("LeNet", 64, 6, 14, 16, 5, 1, 0),
        Square("CIFAR", 64, 3, 32, 64, 3, 1, 1), Square("CIFAR", 64, 64, 32, 64, 3, 1, 1), Square("CIFAR", 64, 128, 16, 128, 3, 2, 1),
        Square("ResNet-50", 16, 3, 224, 64, 7, 2, 3), Square("ResNet-50", 16, 64, 56, 64, 1, 1, 0), Square("ResNet-50", 16, 64, 56, 64, 3, 1, 1),
        Square("ResNet-50", 16, 128, 28, 128, 3, 1, 1), Square("ResNet-50", 16, 256, 14, 256, 3, 1, 1), Square("ResNet-50", 16, 512, 7, 512, 3, 1, 1),
        Square("ResNet-50", 16, 1024, 14, 256, 1, 1, 0),
        Square("VGG", 4, 64, 224, 64, 3, 1, 1), Square("VGG", 4, 512, 28, 512, 3, 1, 1),
        Square("MobileNet", 16, 128, 56, 128, 3, 1, 1, groups: 128),
    ];

    /// <summary>All of them, then all for one image.</summary>
    public static IEnumerable<Conv2DCase> All => [.. Report, .. Further, .. Report.Concat(Further).Select(c => c with { Batch = 1 })];

    private static Conv2DCase Square(string from, int batch, int channels, int size, int outChannels, int kernel, int stride, int pad, int groups = 1) =>
        new(from, batch, Conv2DShape.Square(channels, size, outChannels, kernel, pad, stride, groups));
}

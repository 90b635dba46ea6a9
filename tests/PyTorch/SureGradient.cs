using GpuConv.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using Device = GpuConv.Kernels.Device;

namespace GpuConv.PyTorch;

/// <summary>The cross-entropy's gradient at the label's score where the label leads, here and in PyTorch (nn.CrossEntropyLoss), which subtracts 1 from the probability.</summary>
internal static class SureGradient
{
    private const int Classes = 10;

    /// <summary>A table of leads; whether ours is minus the sum of the other gradients, as it must be.</summary>
    public static bool Run(Device device)
    {
        Console.WriteLine("lead   loss here     PyTorch       gradient at the label here   PyTorch       minus the others' sum");
        bool passed = true;
        using var arena = new DeviceArena(device);
        Tensor<float> logits = arena.Allocate<float>(new GpuConv.Kernels.Shape(1, Classes)), gradient = arena.Allocate<float>(logits.Shape), losses = arena.Allocate<float>(new GpuConv.Kernels.Shape(1));
        Tensor<int> labels = arena.Allocate<int>(losses.Shape);
        foreach (int lead in (int[])[1, 5, 10, 15, 20, 30, 50, 80])
        {
            float[] scores = new float[Classes];
            scores[0] = lead;
            logits.CopyFrom(scores);
            new SoftmaxCrossEntropy(device).ForwardBackward(logits, labels, 1, losses, gradient);
            float[] ours = gradient.ToArray();
            using Tensor x = tensor(scores, dtype: ScalarType.Float32, requires_grad: true).reshape(1, Classes);
            x.retain_grad();
            using Tensor loss = nn.functional.cross_entropy(x, zeros(1, dtype: ScalarType.Int64));
            loss.backward();
            double expected = -(Classes - 1) * Math.Exp(-lead) / (1 + (Classes - 1) * Math.Exp(-lead));
            Console.WriteLine($"{lead,4}   {losses.ToArray()[0],-12:e4}  {loss.item<float>(),-12:e4}  {ours[0],-27:e4}  {x.grad![0, 0].item<float>(),-12:e4}  {expected:e4}");
            passed &= Math.Abs(ours[0] - expected) <= 1e-5 * Math.Abs(expected);
        }
        return passed;
    }
}

using GpuConv.Kernels;

namespace GpuConv.Tests;

public class ActivationTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Relu_matches_its_definition_on_forty_sizes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        Activation relu = Activation.Relu(device);
        for (int seed = 0; seed < 40; seed++)
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int n = seed < 20 ? seed + 1 : random.Next(20, 9000);
            double[] x = Values.Normal(random, n), dy = Values.Normal(random, n);
            Tensor<float> xOn = Values.On(arena, new Shape(n), x), dyOn = Values.On(arena, new Shape(n), dy);
            GuardedTensor y = Check.Guarded(arena, new Shape(n)), dx = Check.Guarded(arena, new Shape(n));
            relu.Forward(xOn, y.Tensor);
            relu.Backward(xOn, y.Tensor, dyOn, dx.Tensor);
            Check.Close([.. x.Select(v => Math.Max(0, v))], y.Read("y"), Tolerance.Elementwise, $"relu of {n}, y");
            Check.Close([.. x.Select((v, i) => v > 0 ? dy[i] : 0)], dx.Read("dx"), Tolerance.Elementwise, $"relu of {n}, dx");
        }
    }
}

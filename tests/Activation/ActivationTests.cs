using GpuConv.Kernels;

namespace GpuConv.Tests;

public class ActivationTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Relu_matches_its_definition_on_forty_sizes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        Activation relu = Activation.Relu(device);
        foreach (int seed in TestScope.Seeds(deviceName, 40))
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

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void What_comes_back_through_a_relu_follows_its_rule_on_forty_sizes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach ((ReluRule rule, Func<double, double, double> back) in new (ReluRule, Func<double, double, double>)[]
                 {
                     (ReluRule.Gradient, (y, dy) => y > 0 ? dy : 0),
                     (ReluRule.Guided, (y, dy) => y > 0 ? Math.Max(0, dy) : 0),
                     (ReluRule.Deconvolution, (_, dy) => Math.Max(0, dy)),
                 })
        {
            Activation relu = Activation.Relu(device, rule);
            foreach (int seed in TestScope.Seeds(deviceName, 40))
            {
                using var arena = new DeviceArena(device);
                var random = new Random(seed);
                int n = seed < 20 ? seed + 1 : random.Next(20, 9000);
                double[] x = Values.Normal(random, n), dy = Values.Normal(random, n);
                Tensor<float> xOn = Values.On(arena, new Shape(n), x), dyOn = Values.On(arena, new Shape(n), dy);
                GuardedTensor y = Check.Guarded(arena, new Shape(n)), dx = Check.Guarded(arena, new Shape(n));
                relu.Forward(xOn, y.Tensor);
                relu.Backward(xOn, y.Tensor, dyOn, dx.Tensor);
                Assert.Equal([.. x.Select(v => (float)Math.Max(0, v))], y.Read("y"));
                Assert.Equal([.. x.Select((v, i) => (float)back(v, dy[i]))], dx.Read("dx"));
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Leaky_relu_matches_its_definition_on_forty_sizes(string deviceName)
    {
        Compare(Activation.LeakyRelu(TestDevices.Get(deviceName), 0.01f), deviceName, v => v > 0 ? v : 0.01f * v, v => v > 0 ? 1 : 0.01f, "leaky relu");
        Compare(Activation.LeakyRelu(TestDevices.Get(deviceName), -2), deviceName, v => v > 0 ? v : -2 * v, v => v > 0 ? 1 : -2, "leaky relu of negative slope");
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Sigmoid_matches_its_definition_on_forty_sizes(string deviceName)
    {
        static double F(double v) => 1 / (1 + Math.Exp(-v));
        Compare(Activation.Sigmoid(TestDevices.Get(deviceName)), deviceName, F, v => F(v) * F(-v), "sigmoid");
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Tanh_matches_its_definition_on_forty_sizes(string deviceName) =>
        Compare(Activation.Tanh(TestDevices.Get(deviceName)), deviceName, Math.Tanh, v => 1 / (Math.Cosh(v) * Math.Cosh(v)), "tanh");

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Silu_matches_its_definition_on_forty_sizes(string deviceName)
    {
        static double S(double v) => 1 / (1 + Math.Exp(-v));
        Compare(Activation.Silu(TestDevices.Get(deviceName)), deviceName, v => v * S(v), v => S(v) * (1 + v * S(-v)), "silu");
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Gelu_matches_its_definition_on_forty_sizes(string deviceName) =>
        Compare(Activation.Gelu(TestDevices.Get(deviceName)), deviceName, v => v * Reference.NormalDistribution.Cumulative(v), v => Reference.NormalDistribution.Cumulative(v) + v * Math.Exp(-v * v / 2) / Math.Sqrt(2 * Math.PI), "gelu");

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Hard_swish_matches_its_definition_on_forty_sizes(string deviceName) =>
        Compare(Activation.HardSwish(TestDevices.Get(deviceName)), deviceName, v => v * Math.Clamp(v + 3, 0, 6) / 6, v => v < -3 ? 0 : v > 3 ? 1 : (2 * v + 3) / 6, "hard swish");

    // Every piece of its polynomials, and their ends: the largest error measured is 13 units of 2^-24, at -1.4; what the square is rounded by stands in the exponent.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Gelu_keeps_its_digits_far_to_the_left(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        int n = deviceName == "simulated" ? 500 : 40_000;
        double[] x = [.. Enumerable.Range(0, n).Select(i => (double)(float)(-12.5 + 30.0 * i / n))];
        Tensor<float> y = Values.On(arena, new Shape(n), x);
        Activation.Gelu(device).Forward(y, y);
        float[] actual = y.ToArray();
        for (int i = 0; i < n; i++) Check.Close([x[i] * Reference.NormalDistribution.Cumulative(x[i])], [actual[i]], new Tolerance(0, (16 + x[i] * x[i] / 2) * Tolerance.U), "gelu");
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Clip_matches_its_definition_on_forty_sizes(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach ((float low, float high) in new[] { (-0.75f, 1.25f), (float.NegativeInfinity, 0.5f), (-1f, float.PositiveInfinity), (1f, -1f) })
            Compare(Activation.Clip(device, low, high), deviceName, v => Math.Min(Math.Max(v, low), high), v => v < low || v > high ? 0 : 1, $"clip to {low}..{high}");
        using var arena = new DeviceArena(device);
        // The gradient passes at the bounds themselves.
        Tensor<float> x = Values.On(arena, new Shape(4), [-1, 2, double.NaN, -1.0001]), y = arena.Allocate<float>(new Shape(4)), dx = Values.On(arena, new Shape(4), [1, 1, 1, 1]);
        Activation clip = Activation.Clip(device, -1, 2);
        clip.Forward(x, y);
        clip.Backward(x, y, dx, dx);
        Assert.Equal([-1, 2, float.NaN, -1], y.ToArray());
        Assert.Equal([1, 1, 1, 0], dx.ToArray());
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Limits_are_exact_and_NaN_stays(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        float inf = float.PositiveInfinity;
        float[] Of(Activation activation)
        {
            Tensor<float> x = Values.On(arena, new Shape(6), [0, inf, -inf, double.NaN, 100, -100]);
            activation.Forward(x, x);
            return x.ToArray();
        }
        Assert.Equal([0, inf, 0, float.NaN, 100, 0], Of(Activation.Relu(device)));
        Assert.Equal([0, inf, -inf, float.NaN, 100, -50], Of(Activation.LeakyRelu(device, 0.5f)));
        Assert.Equal([0.5f, 1, 0, float.NaN, 1], Of(Activation.Sigmoid(device))[..5]);
        Assert.Equal([0, 1, -1, float.NaN, 1, -1], Of(Activation.Tanh(device)));
        // Minus infinity times zero is NaN, in PyTorch too.
        Assert.Equal([0, inf, float.NaN, float.NaN, 100, 0], [.. Of(Activation.Silu(device))[..5], MathF.Round(Of(Activation.Silu(device))[5])]);
        Assert.Equal([0, inf, float.NaN, float.NaN, 100, 0], Of(Activation.Gelu(device)));
        Assert.Equal([0, inf, float.NaN, float.NaN, 100, 0], Of(Activation.HardSwish(device)));
    }

    private static void Compare(Activation activation, string deviceName, Func<double, double> f, Func<double, double> derivative, string name)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 40))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int n = seed < 20 ? seed + 1 : random.Next(20, 9000);
            double[] x = Values.Normal(random, n, 2), dy = Values.Normal(random, n), dx = [.. x.Select((v, i) => derivative(v) * dy[i])];
            Tensor<float> xOn = Values.On(arena, new Shape(n), x);
            GuardedTensor y = Check.Guarded(arena, new Shape(n)), dxOn = Check.Guarded(arena, new Shape(n));
            activation.Forward(xOn, y.Tensor);
            activation.Backward(xOn, y.Tensor, Values.On(arena, new Shape(n), dy), dxOn.Tensor);
            Check.Close([.. x.Select(f)], y.Read("y"), Tolerance.Transcendental, $"{name} of {n}, y");
            Check.Close(dx, dxOn.Read("dx"), Tolerance.Transcendental, $"{name} of {n}, dx");
            // A kink within the step makes differences of a ReLU wrong; no value is that near to 0 but by great chance.
            Check.CentralDifference(p => p.Select((v, i) => f(v) * dy[i]).Sum(), x, dx, seed, $"{name} of {n}", step: 1e-7, tolerance: 1e-5);
        }
    }
}

using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Several steps of each optimizer against the recurrences of PyTorch's documentation in float64.</summary>
public class OptimizerTests
{
    private const int Steps = 6;

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Gradient_descent_follows_PyTorch(string deviceName)
    {
        SgdOptions[] cases =
        [
            new(), new() { WeightDecay = 0.1f }, new() { Momentum = 0.9f }, new() { Momentum = 0.9f, Nesterov = true },
            new() { Momentum = 0.5f, WeightDecay = 0.01f }, new() { Momentum = 0.8f, WeightDecay = 0.02f, Nesterov = true },
        ];
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            SgdOptions options = cases[seed % cases.Length];
            int count = Count(seed);
            var sgd = new Sgd(device, options);
            Reference.Sgd[] references = [.. Enumerable.Range(0, count).Select(_ => new Reference.Sgd(options.Momentum, options.Nesterov, options.WeightDecay))];
            using var arena = new DeviceArena(device);
            GuardedTensor velocity = Check.Guarded(arena, new Shape(count));
            Compare(arena, seed, count, (w, dw, rate, step) => sgd.Step(w, dw, options.Momentum > 0 ? velocity.Tensor : null, rate, firstStep: step == 1),
                (i, w, g, rate) => references[i].Step(w, g, rate), $"{options} of {count}");
            velocity.Read("velocity");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Adam_follows_PyTorch(string deviceName)
    {
        (AdamOptions, double Beta1, double Beta2)[] cases =
        [
            (new(), 0.9, 0.999), (new() { WeightDecay = 0.1f }, 0.9, 0.999), (new() { WeightDecay = 0.1f, Decoupled = true }, 0.9, 0.999),
            (new() { Beta1 = 0.7f, Beta2 = 0.9f, Epsilon = 1e-3f }, 0.7, 0.9), (new() { Beta1 = 0, Beta2 = 0.5f }, 0, 0.5),
        ];
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            (AdamOptions options, double beta1, double beta2) = cases[seed % cases.Length];
            int count = Count(seed);
            var adam = new Adam(device, options);
            Reference.Adam[] references = [.. Enumerable.Range(0, count).Select(_ => new Reference.Adam(beta1, beta2, options.Epsilon, options.WeightDecay, options.Decoupled))];
            using var arena = new DeviceArena(device);
            GuardedTensor m = Check.Guarded(arena, new Shape(count)), v = Check.Guarded(arena, new Shape(count));
            m.Tensor.CopyFrom(new float[count]);
            v.Tensor.CopyFrom(new float[count]);
            Compare(arena, seed, count, (w, dw, rate, step) => adam.Step(w, dw, m.Tensor, v.Tensor, rate, step),
                (i, w, g, rate) => references[i].Step(w, g, rate), $"{options} of {count}");
            m.Read("m");
            v.Read("v");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Adam_stays_still_without_gradient_and_shows_NaN(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var shape = new Shape(3);
        Tensor<float> w = Values.On(arena, shape, [1, 2, 3]), dw = Values.On(arena, shape, [0, double.NaN, 1]);
        new Adam(device, new AdamOptions()).Step(w, dw, arena.Allocate<float>(shape), arena.Allocate<float>(shape), 0.1f, 1);
        Check.Close([1, 2.9], [w.ToArray()[0], w.ToArray()[2]], Tolerance.Sum(10), "Adam's first step");
        Assert.True(float.IsNaN(w.ToArray()[1]));
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_steps_that_ONNX_defines_follow_its_formulas(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 42))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int count = Count(seed), t = seed % 4;
            (float alpha, float beta, float decay, float rate) = (seed % 2 == 0 ? 0.9f : 0.5f, 0.75f, seed % 3 == 0 ? 0 : 0.1f, 0.1f);
            double[] x = Values.Normal(random, count), g = Values.Normal(random, count), v = Values.Normal(random, count), h = [.. Values.Normal(random, count).Select(Math.Abs)];
            double[] regularized = [.. g.Zip(x, (gradient, weight) => decay * weight + gradient)];
            var shape = new Shape(count);
            string what = $"seed {seed}, {count} elements, step {t}";

            GuardedTensor w = Check.Guarded(arena, shape), m = Check.Guarded(arena, shape);
            foreach (bool nesterov in new[] { false, true })
            {
                Fill(w, x);
                Fill(m, v);
                new Sgd(device, new SgdOptions { Momentum = alpha, Nesterov = nesterov, WeightDecay = decay }).StepWithGain(w.Tensor, Values.On(arena, shape, g), m.Tensor, rate, beta);
                double[] velocity = [.. v.Zip(regularized, (old, r) => alpha * old + beta * r)];
                Check.Close(velocity, m.Read("v"), Tolerance.Sum(8), $"momentum, v, {what}");
                Check.Close([.. x.Select((weight, i) => weight - rate * (nesterov ? regularized[i] + alpha * velocity[i] : velocity[i]))], w.Read("x"), Tolerance.Sum(8), $"momentum, x, {what}");
            }

            Fill(w, x);
            Fill(m, v);
            GuardedTensor s = Check.Guarded(arena, shape);
            Fill(s, h);
            const float epsilon = 0.01f;
            new Adam(device, new AdamOptions { Beta1 = alpha, Beta2 = beta, Epsilon = epsilon, WeightDecay = decay }).StepWithCorrectedRate(w.Tensor, Values.On(arena, shape, g), m.Tensor, s.Tensor, rate, t);
            double a = alpha == 0.9f ? 0.9 : 0.5, adjusted = t > 0 ? rate * Math.Sqrt(1 - Math.Pow(0.75, t)) / (1 - Math.Pow(a, t)) : rate;
            double[] vNew = [.. v.Zip(regularized, (old, r) => a * old + (1 - a) * r)], hNew = [.. h.Zip(regularized, (old, r) => 0.75 * old + 0.25 * r * r)];
            Check.Close(vNew, m.Read("v"), Tolerance.Sum(8), $"Adam, v, {what}");
            Check.Close(hNew, s.Read("h"), Tolerance.Sum(8), $"Adam, h, {what}");
            // The quotient may be large where the root is small: as many roundings of it.
            Check.Close([.. x.Select((weight, i) => weight - adjusted * vNew[i] / (Math.Sqrt(hNew[i]) + epsilon))], w.Read("x"), new Tolerance(200 * Tolerance.U, 32 * Tolerance.U), $"Adam, x, {what}");
        }

        static void Fill(GuardedTensor tensor, double[] values) => tensor.Tensor.CopyFrom(Array.ConvertAll(values, value => (float)value));
    }

    [Fact]
    public void Parameters_that_make_no_sense_are_refused()
    {
        Device device = TestDevices.Get("cpu");
        using var arena = new DeviceArena(device);
        Tensor<float> three = arena.Allocate<float>(new Shape(3)), four = arena.Allocate<float>(new Shape(4));
        Assert.Throws<ArgumentException>(() => new Sgd(device, new SgdOptions { Nesterov = true }));
        Assert.Throws<ArgumentException>(() => new Sgd(device, new SgdOptions { Momentum = float.NaN }));
        Assert.Throws<ArgumentException>(() => new Sgd(device, new SgdOptions { Momentum = 0.9f }).Step(three, three, null, 1, true));
        Assert.Throws<ArgumentException>(() => new Sgd(device, new SgdOptions { Momentum = 0.9f }).Step(three, three, four, 1, true));
        Assert.Throws<ArgumentException>(() => new Adam(device, new AdamOptions { Beta2 = 1 }));
        Assert.Throws<ArgumentException>(() => new Adam(device, new AdamOptions()).Step(three, four, three, three, 1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Adam(device, new AdamOptions()).Step(three, three, three, three, 1, 0));
    }

    private static int Count(int seed) => seed < 20 ? seed + 1 : new Random(seed).Next(20, 9000);

    private static void Compare(DeviceArena arena, int seed, int count, Action<Tensor<float>, Tensor<float>, float, int> step, Func<int, double, double, double, double> reference, string what)
    {
        var random = new Random(seed);
        double[] w = Values.Normal(random, count);
        GuardedTensor wOn = Check.Guarded(arena, new Shape(count));
        wOn.Tensor.CopyFrom(Array.ConvertAll(w, v => (float)v));
        Tensor<float> dwOn = arena.Allocate<float>(new Shape(count));
        for (int t = 1; t <= Steps; t++)
        {
            float rate = 0.1f / t;
            double[] dw = Values.Normal(random, count);
            dwOn.CopyFrom(Array.ConvertAll(dw, v => (float)v));
            step(wOn.Tensor, dwOn, rate, t);
            for (int i = 0; i < count; i++) w[i] = reference(i, w[i], dw[i], rate);
            // Each step rounds the weight and a handful of intermediate results of order one.
            Check.Close(w, wOn.Read("w"), Tolerance.Sum(8 * t), $"{what}, step {t}");
        }
    }
}

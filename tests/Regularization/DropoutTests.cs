using GpuConv.Kernels;

namespace GpuConv.Tests;

public class DropoutTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Kept_elements_are_scaled_the_rate_is_right_and_the_gradient_has_the_same_mask(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 44))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            int count = seed < 20 ? seed + 1 : random.Next(20, 20000);
            float p = seed % 11 == 3 ? 0 : seed % 11 == 5 ? 1 : (float)Math.Round(random.NextDouble(), 2);
            uint step = (uint)random.Next();
            var dropout = new Dropout(device, p, (ulong)seed);
            double[] x = [.. Values.Normal(random, count).Select(v => v == 0 ? 1 : v)], dy = [.. Values.Normal(random, count).Select(v => v == 0 ? 1 : v)];
            GuardedTensor y = Check.Guarded(arena, new Shape(count)), dx = Check.Guarded(arena, new Shape(count));
            dropout.Forward(Values.On(arena, new Shape(count), x), y.Tensor, step);
            dropout.Backward(Values.On(arena, new Shape(count), dy), dx.Tensor, step);
            float[] output = y.Read("y");
            bool[] kept = [.. output.Select(v => v != 0)];
            double scale = p == 1 ? 0 : 1 / (1 - (double)p);
            Check.Close([.. x.Select((v, i) => kept[i] ? v * scale : 0)], output, Tolerance.Elementwise, $"dropout {p} of {count}, y");
            Check.Close([.. dy.Select((v, i) => kept[i] ? v * scale : 0)], dx.Read("dx"), Tolerance.Elementwise, $"dropout {p} of {count}, dx");
            double deviation = Math.Sqrt(count * p * (1 - (double)p));
            Assert.InRange(kept.Count(k => k), count * (1 - (double)p) - 5 * deviation - 1e-6 * count, count * (1 - (double)p) + 5 * deviation + 1e-6 * count);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_mask_is_the_same_on_every_device_and_follows_from_index_seed_and_step_alone(string deviceName)
    {
        const int count = 5003;
        float[] Mask(string name, ulong seed, uint step, int length)
        {
            Device device = TestDevices.Get(name);
            using var arena = new DeviceArena(device);
            Tensor<float> x = arena.Allocate<float>(new Shape(length));
            new Elementwise(device).Fill(x, 1);
            new Dropout(device, 0.3f, seed).Forward(x, x, step);
            return x.ToArray();
        }
        float[] mask = Mask("cpu", 9, 4, count);
        Assert.Equal(mask, Mask(deviceName, 9, 4, count));
        Assert.Equal(mask[..777], Mask("cpu", 9, 4, 777));
        // Other seeds and steps share as many elements as chance says: 0.3^2 + 0.7^2 = 0.58.
        foreach (float[] other in new[] { Mask("cpu", 9, 5, count), Mask("cpu", 10, 4, count) })
            Assert.InRange(mask.Zip(other, (a, b) => a == b ? 1 : 0).Sum(), (0.58 - 0.035) * count, (0.58 + 0.035) * count);
    }

    [Fact]
    public void Probabilities_outside_0_to_1_are_refused()
    {
        foreach (float p in new[] { -0.1f, 1.1f, float.NaN })
            Assert.Throws<ArgumentOutOfRangeException>(() => new Dropout(TestDevices.Get("cpu"), p, 0));
    }
}

using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Against the convolution's reference, of which it is the way back.</summary>
public class ConvTranspose2DTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void All_passes_match_the_convolutions_way_back(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, 24))
        {
            var random = new Random(seed);
            int groups = random.Next(1, 3), stride = random.Next(1, 4), pad = random.Next(0, 2);
            var shape = new Conv2DShape
            {
                InChannels = groups * random.Next(1, 4),
                InHeight = random.Next(6, 12),
                InWidth = random.Next(6, 12),
                OutChannels = groups * random.Next(1, 4),
                KernelHeight = random.Next(1, 4),
                KernelWidth = random.Next(1, 4),
                StrideHeight = stride,
                StrideWidth = stride,
                PadTop = pad,
                PadLeft = pad,
                PadBottom = pad,
                PadRight = pad,
                DilationHeight = random.Next(1, 3),
                Groups = groups,
            };
            int batch = random.Next(1, 4);
            using var arena = new DeviceArena(device);
            // x is what the convolution's output would be, y its input.
            Shape small = shape.Output.Prepend(batch), large = shape.Input.Prepend(batch), channels = new(shape.InChannels);
            double[] x = Values.Normal(random, small.Count), dy = Values.Normal(random, large.Count), w = Values.Normal(random, shape.Weights.Count), b = Values.Normal(random, shape.InChannels);
            Tensor<float> xOn = Values.On(arena, small, x), dyOn = Values.On(arena, large, dy), wOn = Values.On(arena, shape.Weights, w);
            GuardedTensor y = Check.Guarded(arena, large), dx = Check.Guarded(arena, small), dw = Check.Guarded(arena, shape.Weights), db = Check.Guarded(arena, channels);
            var operation = new ConvTranspose2D(arena, shape, batch);
            operation.Forward(xOn, wOn, Values.On(arena, channels, b), y.Tensor);
            operation.GradInput(dyOn, wOn, dx.Tensor);
            operation.GradWeight(xOn, dyOn, dw.Tensor);
            operation.GradBias(dyOn, db.Tensor);

            string what = $"seed {seed}, {shape}";
            int pixels = shape.InHeight * shape.InWidth, taps = shape.KernelHeight * shape.KernelWidth;
            double[] expected = [.. ReferenceConvolution.GradInput(shape, batch, x, w).Select((v, i) => v + b[i / pixels % shape.InChannels])];
            Check.Close(expected, y.Read(what), Tolerance.Sum(shape.GroupOutChannels * taps + 1), $"y of {what}");
            Check.Close(ReferenceConvolution.Forward(shape, batch, dy, w, null), dx.Read(what), Tolerance.Sum(shape.ReductionLength), $"dx of {what}");
            Check.Close(ReferenceConvolution.GradWeight(shape, batch, dy, x), dw.Read(what), Tolerance.Sum(batch * small.Count), $"dw of {what}");
            double[] sums = new double[shape.InChannels];
            for (int i = 0; i < dy.Length; i++) sums[i / pixels % shape.InChannels] += dy[i];
            Check.Close(sums, db.Read(what), Tolerance.Sum(batch * pixels), $"db of {what}");
        }
    }
}

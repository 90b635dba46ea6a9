using GpuConv.Kernels;
using GpuConv.Tests.Reference;
using Norm = GpuConv.Tests.Reference.BatchNormalization;

namespace GpuConv.Tests;

/// <summary>Blocks against float64 references of convolution, normalisation, ReLU and pooling, one after the other.</summary>
public class ConvBlockTests
{
    private const float Epsilon = 1e-5f;
    private const float Momentum = 0.1f;

    public static TheoryData<string, bool> DevicesWithAndWithoutNormalization =>
        [.. from device in TestDevices.ForProducts from normalizes in new[] { false, true } select TestDevices.Case(device.Data, normalizes)];

    private static Device Cpu => TestDevices.Get("cpu");

    private static int Drawn(Device device) => device.Kind == DeviceKind.Cpu ? 40 : device.MathMode == MathMode.Tf32 ? 8 : 20;

    /// <summary>A block with its inputs.</summary>
    private sealed class Case
    {
        public Case(Device device, int seed, bool normalizes, Conv2DShape? shape = null, int batch = 0)
        {
            var random = new Random(seed);
            Shape = shape ?? Draw(device, random);
            Batch = batch > 0 ? batch : random.Next(1, 7);
            Normalizes = normalizes;
            // Rounded otherwise, in a block of TF32, other pixels of a window would win than in the reference.
            X = Values.Factors(device, random, Batch * Shape.Input.Count);
            // So that the convolution's results are of order one.
            W = Values.Factors(device, random, Shape.Weights.Count, 1 / Math.Sqrt(Shape.ReductionLength));
            B = random.Next(4) == 0 ? null : Values.Normal(random, Shape.OutChannels);
            Scale = Values.Normal(random, Shape.OutChannels);
            Shift = Values.Normal(random, Shape.OutChannels);
            RunningMean = Values.Normal(random, Shape.OutChannels);
            RunningVariance = [.. Values.Normal(random, Shape.OutChannels).Select(v => (double)(float)(v * v + 0.1))];
            Dy = Values.Factors(device, random, Batch * Shape.Output.Count / 4);
        }

        public Conv2DShape Shape { get; }
        public int Batch { get; }
        public bool Normalizes { get; }
        public double[] X { get; set; }
        public double[] W { get; set; }
        public double[]? B { get; set; }
        public double[] Scale { get; }
        public double[] Shift { get; }
        public double[] RunningMean { get; }
        public double[] RunningVariance { get; }
        public double[] Dy { get; }

        public bool HasInputGradient => !IsFirst(Shape);

        public string Name(string what) => $"{what} of {Batch} x {Shape.Input} -> {Shape.OutChannels}, pads {Shape.PadTop} {Shape.PadLeft} {Shape.PadBottom} {Shape.PadRight}{(Normalizes ? ", normalised" : "")}{(B is null ? ", no bias" : "")}";

        // First layers have few channels, and nobody asks for the gradient to their input.
        private static bool IsFirst(Conv2DShape shape) => shape.InChannels <= 4;

        private static Conv2DShape Draw(Device device, Random random)
        {
            int step = device.IsHost ? 16 : 1, size = device.IsHost ? 14 : 10;
            while (true)
            {
                int channels = random.Next(2) == 0 ? random.Next(1, 5) : device.IsHost ? 16 * random.Next(1, 4) : random.Next(5, 9);
                Conv2DShape shape = Conv2DCases.Make(channels, random.Next(1, size), random.Next(1, size), step * random.Next(1, 4), 3, 3) with
                {
                    PadTop = random.Next(3),
                    PadLeft = random.Next(3),
                    PadBottom = random.Next(3),
                    PadRight = random.Next(3),
                };
                if (shape.InHeight + shape.PadTop + shape.PadBottom >= 4 && shape.InWidth + shape.PadLeft + shape.PadRight >= 4 && ConvBlock.Supports(device, shape, true, !IsFirst(shape))) return shape;
            }
        }
    }

    /// <summary>What the block computes, y and dx as planes.</summary>
    private sealed record Results(float[] Y, float[]? Dx, float[] Dw, float[]? Db, float[] Dscale, float[] Dshift, float[] RunningMean, float[] RunningVariance);

    private static Results Run(Device device, Case c, bool training = true, int first = 0, int count = -1)
    {
        Conv2DShape s = c.Shape;
        int batch = count < 0 ? c.Batch : count;
        using var arena = new DeviceArena(device);
        var channels = new Shape(s.OutChannels);
        // Room for more images than come, as for the last batch of an epoch.
        var block = new ConvBlock(arena, s, batch + 2, c.Normalizes ? new NormalizationOptions(Epsilon, Momentum) : null, training, c.HasInputGradient && training);
        Tensor<float> planes = Values.On(arena, s.Input.Prepend(batch), c.X[(first * s.Input.Count)..((first + batch) * s.Input.Count)]);
        Tensor<float> x = planes;
        if (ConvBlock.TakesChannelsLast(device, s))
        {
            x = arena.Allocate<float>(block.Input.Prepend(batch));
            ChannelOrder.ToChannelsLast(planes, x);
        }
        Tensor<float> w = Values.On(arena, s.Weights, c.W);
        Tensor<float>? b = c.B is null ? null : Values.On(arena, channels, c.B);
        NormalizationTensors? norm = c.Normalizes
            ? new NormalizationTensors(Values.On(arena, channels, c.Scale), Values.On(arena, channels, c.Shift), Values.On(arena, channels, c.RunningMean), Values.On(arena, channels, c.RunningVariance))
            : null;
        GuardedTensor y = Check.Guarded(arena, block.Output.Prepend(batch));
        block.Forward(x, w, b, norm, y.Tensor);
        float[] yPlanes = Planes(arena, ConvBlock.GivesChannelsLast(device), y.Tensor, y.Read(c.Name("y")));
        if (!training) return new Results(yPlanes, null, [], null, [], [], [], []);

        Tensor<float> dy = Values.On(arena, new Shape(batch, s.OutChannels, s.OutHeight / 2, s.OutWidth / 2), c.Dy);
        if (ConvBlock.GivesChannelsLast(device))
        {
            Tensor<float> dyPlanes = dy;
            dy = arena.Allocate<float>(block.Output.Prepend(batch));
            ChannelOrder.ToChannelsLast(dyPlanes, dy);
        }
        GuardedTensor dx = Check.Guarded(arena, x.Shape), dw = Check.Guarded(arena, s.Weights), db = Check.Guarded(arena, channels), dscale = Check.Guarded(arena, channels), dshift = Check.Guarded(arena, channels);
        block.Backward(x, w, b, norm, dy, c.HasInputGradient ? dx.Tensor : null, dw.Tensor, b is null ? null : db.Tensor, c.Normalizes ? dscale.Tensor : null, c.Normalizes ? dshift.Tensor : null);
        return new Results(
            yPlanes, c.HasInputGradient ? Planes(arena, ConvBlock.TakesChannelsLast(device, s), dx.Tensor, dx.Read(c.Name("dx"))) : null, dw.Read(c.Name("dw")), b is null ? null : db.Read(c.Name("db")),
            dscale.Read(c.Name("dscale")), dshift.Read(c.Name("dshift")), norm?.RunningMean.ToArray() ?? [], norm?.RunningVariance.ToArray() ?? []);
    }

    private static float[] Planes(DeviceArena arena, bool channelsLast, Tensor<float> tensor, float[] read)
    {
        Assert.Equal(read, tensor.ToArray());
        if (!channelsLast) return read;
        Shape s = tensor.Shape;
        Tensor<float> planes = arena.Allocate<float>(new Shape(s[0], s[3], s[1], s[2]));
        ChannelOrder.ToPlanes(tensor, planes);
        return planes.ToArray();
    }

    private static Pool2DShape PoolOf(Conv2DShape s) => new()
    {
        Channels = s.OutChannels,
        InHeight = s.OutHeight,
        InWidth = s.OutWidth,
        KernelHeight = 2,
        KernelWidth = 2,
        StrideHeight = 2,
        StrideWidth = 2,
    };

    private static void CompareTraining(Device device, Case c)
    {
        Conv2DShape s = c.Shape;
        int pixels = s.OutHeight * s.OutWidth, channels = s.OutChannels;
        long values = (long)c.Batch * pixels;
        double[] conv = ReferenceConvolution.Forward(s, c.Batch, c.X, c.W, c.B), z = conv;
        (double[] mean, double[] variance) = Norm.Statistics(conv, c.Batch, channels, pixels);
        if (c.Normalizes) z = Norm.Forward(conv, channels, pixels, c.Scale, c.Shift, mean, variance, Epsilon);
        (double[] y, int[] argmax) = Pooling.Max(PoolOf(s), c.Batch * channels, [.. z.Select(v => Math.Max(0, v))]);
        double[] dz = [.. Pooling.MaxGradient(PoolOf(s), c.Batch * channels, argmax, c.Dy).Select((d, i) => z[i] > 0 ? d : 0)];
        (double[] dconv, double[] dscale, double[] dshift) = c.Normalizes ? Norm.Gradient(conv, c.Batch, channels, pixels, c.Scale, Epsilon, dz) : (dz, [], []);

        Results actual = Run(device, c);
        // Weights are scaled so that results are of order one: their errors are those of a sum of one product, times what the roundings of the chain's sums grow to.
        // Normalisation may amplify by scale / deviation.
        double gain = c.Normalizes ? Enumerable.Range(0, channels).Max(k => Math.Max(1, Math.Abs(c.Scale[k]) / Math.Sqrt(variance[k] + Epsilon))) : 1;
        Check.Close(y, actual.Y, Scaled(Tolerance.Sum(s.ReductionLength), gain), c.Name("y"));
        Check.Close(ReferenceConvolution.GradWeight(s, c.Batch, c.X, dconv), actual.Dw, Scaled(c.Normalizes ? Tolerance.Product(device, values) : Tolerance.OrderedSum(values), gain), c.Name("dw"));
        if (actual.Dx is { } dx) Check.Close(ReferenceConvolution.GradInput(s, c.Batch, dconv, c.W), dx, Scaled(c.Normalizes ? Tolerance.Product(device, 9 * channels) : Tolerance.OrderedSum(9 * channels), gain), c.Name("dx"));
        if (actual.Db is { } db)
        {
            // Normalisation takes the bias away again: its gradient is zero, and written as such.
            if (c.Normalizes) Assert.All(db, v => Assert.Equal(0, v));
            else Check.Close(ReferenceConvolution.GradBias(s, c.Batch, dconv), db, Tolerance.OrderedSum(values), c.Name("db"));
        }
        if (!c.Normalizes) return;
        Check.Close(dscale, actual.Dscale, Scaled(Tolerance.OrderedSum(values), gain), c.Name("dscale"));
        Check.Close(dshift, actual.Dshift, Tolerance.OrderedSum(values), c.Name("dshift"));
        Check.Close([.. mean.Select((m, k) => 0.9 * c.RunningMean[k] + 0.1 * m)], actual.RunningMean, Tolerance.Sum(s.ReductionLength), c.Name("running mean"));
        Check.Close([.. variance.Select((v, k) => 0.9 * c.RunningVariance[k] + 0.1 * v * values / (values - 1))], actual.RunningVariance, Tolerance.Sum(s.ReductionLength), c.Name("running variance"));
    }

    private static Tolerance Scaled(Tolerance tolerance, double by) => tolerance with { Absolute = tolerance.Absolute * by };

    private static void SkipWithoutCpu()
    {
        if (!TestDevices.All.Any(row => row.Data == "cpu")) Assert.Skip("The CPU is not among the devices under test.");
    }

    [Theory, MemberData(nameof(DevicesWithAndWithoutNormalization))]
    public void Training_matches_the_definitions(string deviceName, bool normalizes)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, Drawn(device))) CompareTraining(device, new Case(device, seed, normalizes));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_blocks_of_the_reports_network_match_the_definitions(bool normalizes)
    {
        SkipWithoutCpu();
        CompareTraining(Cpu, new Case(Cpu, 1, normalizes, Conv2DCases.Make(1, 28, 28, 32, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 19));
        CompareTraining(Cpu, new Case(Cpu, 2, normalizes, Conv2DCases.Make(32, 14, 14, 32, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 18));
        CompareTraining(Cpu, new Case(Cpu, 3, normalizes, Conv2DCases.Make(3, 68, 70, 16, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 2));
        CompareTraining(Cpu, new Case(Cpu, 4, normalizes, Conv2DCases.Make(16, 66, 70, 16, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 2));
    }

    // More than one chunk of sums; groups, other kernels and dilation where a device has them.
    [Theory, MemberData(nameof(DevicesWithAndWithoutNormalization))]
    public void Larger_batches_and_other_convolutions_match_the_definitions(string deviceName, bool normalizes)
    {
        Device device = TestDevices.Get(deviceName);
        int channels = device.IsHost ? 16 : 3;
        (Conv2DShape Shape, int Batch)[] cases =
        [
            (Conv2DCases.Make(1, 12, 14, channels, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 24),
            (Conv2DCases.Make(device.IsHost ? 16 : 5, 6, 8, channels, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 70),
            (Conv2DCases.Make(6, 7, 9, 8, 2, 4) with { PadTop = 1, PadLeft = 1, Groups = 2 }, 3),
            (Conv2DCases.Make(5, 10, 9, 7, 3, 2) with { PadTop = 1, PadLeft = 1, PadBottom = 1, DilationHeight = 2, DilationWidth = 2 }, 2),
        ];
        foreach ((Conv2DShape shape, int batch) in cases)
        {
            var c = new Case(device, batch, normalizes, shape, batch);
            if (ConvBlock.Supports(device, shape, true, c.HasInputGradient)) CompareTraining(device, c);
        }
    }

    [Theory, MemberData(nameof(DevicesWithAndWithoutNormalization))]
    public void Inference_matches_the_definitions_and_does_not_depend_on_the_batch(string deviceName, bool normalizes)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, Drawn(device)))
        {
            var c = new Case(device, seed, normalizes);
            Conv2DShape s = c.Shape;
            double[] z = ReferenceConvolution.Forward(s, c.Batch, c.X, c.W, c.B);
            if (normalizes) z = Norm.Forward(z, s.OutChannels, s.OutHeight * s.OutWidth, c.Scale, c.Shift, c.RunningMean, c.RunningVariance, Epsilon);
            double[] y = Pooling.Max(PoolOf(s), c.Batch * s.OutChannels, [.. z.Select(v => Math.Max(0, v))]).Y;
            float[] all = Run(device, c, training: false).Y, last = Run(device, c, training: false, c.Batch - 1, 1).Y;
            double gain = normalizes ? Enumerable.Range(0, s.OutChannels).Max(k => Math.Max(1, Math.Abs(c.Scale[k]) / Math.Sqrt(c.RunningVariance[k]))) : 1;
            Check.Close(y, all, Scaled(Tolerance.Sum(s.ReductionLength), 4 * gain), c.Name("y"));
            Assert.Equal(all[^last.Length..], last);
        }
    }

    // With fixed statistics the normalisation is a factor and a shift.
    [Theory, InlineData(false), InlineData(true)]
    public void Without_training_the_gradient_to_the_input_matches_the_definitions(bool normalizes)
    {
        SkipWithoutCpu();
        for (int seed = 0; seed < 40; seed++)
        {
            var c = new Case(Cpu, seed, normalizes);
            Conv2DShape s = c.Shape;
            double[] z = ReferenceConvolution.Forward(s, c.Batch, c.X, c.W, c.B);
            if (normalizes) z = Norm.Forward(z, s.OutChannels, s.OutHeight * s.OutWidth, c.Scale, c.Shift, c.RunningMean, c.RunningVariance, Epsilon);
            (_, int[] winners) = Pooling.Max(PoolOf(s), c.Batch * s.OutChannels, [.. z.Select(v => Math.Max(0, v))]);
            double[] dz = Pooling.MaxGradient(PoolOf(s), c.Batch * s.OutChannels, winners, c.Dy);
            int pixels = s.OutHeight * s.OutWidth;
            double Factor(int k) => normalizes ? c.Scale[k] / Math.Sqrt(c.RunningVariance[k] + Epsilon) : 1;
            dz = [.. dz.Select((v, i) => z[i] > 0 ? v * Factor(i / pixels % s.OutChannels) : 0)];
            double[] dx = ReferenceConvolution.GradInput(s, c.Batch, dz, c.W);
            double gain = Enumerable.Range(0, s.OutChannels).Max(k => Math.Max(1, Math.Abs(Factor(k))));
            Check.Close(dx, RunInputGradient(Cpu, c), Scaled(Tolerance.Sum(9 * s.OutChannels), 4 * gain), c.Name("dx"));
        }
    }

    private static float[] RunInputGradient(Device device, Case c)
    {
        Conv2DShape s = c.Shape;
        using var arena = new DeviceArena(device);
        var channels = new Shape(s.OutChannels);
        var block = new ConvBlock(arena, s, c.Batch + 2, c.Normalizes ? new NormalizationOptions(Epsilon, Momentum) : null, training: false, inputGradient: true);
        Tensor<float> x = Last(arena, Values.On(arena, s.Input.Prepend(c.Batch), c.X), block.Input, ConvBlock.TakesChannelsLast(device, s));
        Tensor<float> dy = Last(arena, Values.On(arena, new Shape(c.Batch, s.OutChannels, s.OutHeight / 2, s.OutWidth / 2), c.Dy), block.Output, ConvBlock.GivesChannelsLast(device));
        Tensor<float> w = Values.On(arena, s.Weights, c.W), y = arena.Allocate<float>(dy.Shape);
        Tensor<float>? b = c.B is null ? null : Values.On(arena, channels, c.B);
        NormalizationTensors? norm = c.Normalizes
            ? new NormalizationTensors(Values.On(arena, channels, c.Scale), Values.On(arena, channels, c.Shift), Values.On(arena, channels, c.RunningMean), Values.On(arena, channels, c.RunningVariance))
            : null;
        GuardedTensor dx = Check.Guarded(arena, x.Shape);
        block.Forward(x, w, b, norm, y);
        block.Backward(x, w, b, norm, dy, dx.Tensor);
        return Planes(arena, ConvBlock.TakesChannelsLast(device, s), dx.Tensor, dx.Read(c.Name("dx")));

        static Tensor<float> Last(DeviceArena arena, Tensor<float> planes, Shape shape, bool channelsLast)
        {
            if (!channelsLast) return planes;
            Tensor<float> last = arena.Allocate<float>(shape.Prepend(planes.Shape[0]));
            ChannelOrder.ToChannelsLast(planes, last);
            return last;
        }
    }

    // As operators one by one, on the same device: the same bits without normalisation, as every step is the same.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Forward_gives_the_bits_of_convolution_ReLU_and_pooling_one_by_one(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int seed in TestScope.Seeds(deviceName, Drawn(device)))
        {
            var c = new Case(device, seed, normalizes: false);
            Conv2DShape s = c.Shape;
            using var arena = new DeviceArena(device);
            Tensor<float> conv = arena.Allocate<float>(s.Output.Prepend(c.Batch)), y = arena.Allocate<float>(PoolOf(s).Output.Prepend(c.Batch));
            new Conv2D(arena, s, c.Batch).Forward(Values.On(arena, s.Input.Prepend(c.Batch), c.X), Values.On(arena, s.Weights, c.W), c.B is null ? null : Values.On(arena, new Shape(s.OutChannels), c.B), conv);
            Activation.Relu(device).Forward(conv, conv);
            new MaxPool2D(device, PoolOf(s)).ForwardOnly(conv, y);
            Assert.Equal(y.ToArray(), Run(device, c).Y);
        }
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_bits_do_not_depend_on_the_number_of_threads(bool normalizes)
    {
        SkipWithoutCpu();
        using Device one = Device.Open("cpu", threads: 1), three = Device.Open("cpu", threads: 3);
        for (int seed = 0; seed < Drawn(Cpu); seed += 3)
        {
            var c = new Case(Cpu, seed, normalizes);
            Results expected = Run(Cpu, c);
            foreach (Results actual in new[] { Run(one, c), Run(three, c) })
            {
                Assert.Equal(expected.Y, actual.Y);
                Assert.Equal(expected.Dx, actual.Dx);
                Assert.Equal(expected.Dw, actual.Dw);
                Assert.Equal(expected.Db, actual.Db);
                Assert.Equal(expected.Dscale, actual.Dscale);
                Assert.Equal(expected.RunningVariance, actual.RunningVariance);
            }
        }
    }

    // With a naive sum of squares the variance of these would have no correct digit.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_large_mean_with_a_small_deviation_keeps_its_digits(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int channels in (int[])[1, 16])
        {
            if (!ConvBlock.Supports(device, Conv2DCases.Make(channels, 10, 12, 16, 3, 3), true, channels > 4)) continue;
            var c = new Case(device, 5, normalizes: true, Conv2DCases.Make(channels, 10, 12, 16, 3, 3), 3);
            var random = new Random(6);
            c.X = [.. Values.Normal(random, c.X.Length, 0.1).Select(v => (double)(float)(v + 100))];
            Results actual = Run(device, c);
            double[] conv = ReferenceConvolution.Forward(c.Shape, 3, c.X, c.W, c.B);
            (_, double[] variance) = Norm.Statistics(conv, 3, 16, 80);
            // What the convolution itself rounds is 100 * 2^-24 * sqrt(9 * channels) on deviations of 0.1: a relative 1e-4 of the deviation.
            Check.Close([.. variance.Select((v, k) => 0.9 * c.RunningVariance[k] + 0.1 * v * 240 / 239)], actual.RunningVariance, new Tolerance(1e-5, 1e-5), c.Name("running variance"));
        }
    }

    // Without padding a corner of the image is seen by one output only: the first, second, third and last pixel of its window.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_single_NaN_of_a_window_passes_and_no_gradient_goes_through_it(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var c = new Case(device, 7, normalizes: false, Conv2DCases.Make(1, 8, 8, 16, 3, 3), 1);
        c.X[0] = c.X[7] = c.X[56] = c.X[63] = double.NaN;
        Results actual = Run(device, c);
        for (int i = 0; i < actual.Y.Length; i++) Assert.Equal(i % 9 is 0 or 2 or 6 or 8, float.IsNaN(actual.Y[i]));
        Assert.DoesNotContain(float.NaN, actual.Db ?? []);
    }

    [Fact]
    public void What_a_block_cannot_do_is_said()
    {
        SkipWithoutCpu();
        using var arena = new DeviceArena(Cpu);
        Conv2DShape shape = Conv2DCases.Make(16, 6, 6, 16, 3, 3);
        Assert.False(ConvBlock.Supports(Cpu, shape with { StrideHeight = 2 }, true, false));
        Assert.False(ConvBlock.Supports(Cpu, shape with { OutChannels = 17 }, true, false));
        Assert.False(ConvBlock.Supports(Cpu, shape with { InHeight = 7 }, true, false));
        Assert.False(ConvBlock.Supports(Cpu, shape with { InChannels = 1 }, true, true));
        Assert.Throws<ArgumentException>(() => new ConvBlock(arena, shape with { InHeight = 7 }, 1, null, false, false));
        var block = new ConvBlock(arena, shape, 2, null, false, false);
        Tensor<float> x = arena.Allocate<float>(new Shape(2, 6, 6, 16)), w = arena.Allocate<float>(shape.Weights), y = arena.Allocate<float>(new Shape(2, 2, 2, 16));
        Assert.Throws<ArgumentException>(() => block.Forward(x, w, null, null, y.First(1)));
        Assert.Throws<InvalidOperationException>(() => block.Backward(x, w, null, null, y, null, w, null, null, null));
    }
}

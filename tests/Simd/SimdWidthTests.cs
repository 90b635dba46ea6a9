using System.Runtime.Intrinsics;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>
/// Each operator, and a training, at every vector width in one process: the same bits. Widths that the processor lacks run in
/// .NET's software, so that AVX-512 kernels are tested where there is none.
/// </summary>
public class SimdWidthTests
{
    // One width more than the processor has; the next one's software would run on this one's.
    private static readonly Lazy<Device[]> Devices = new(() => [.. SimdWidth.All.Where(bits => bits <= 2 * SimdWidth.OfProcessor).Select(bits => Device.OpenCpu(threads: 2, bits))]);

    [Fact]
    public void A_device_has_the_processors_width()
    {
        int expected = Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;
        Assert.Equal(expected, SimdWidth.OfProcessor);
        if (Environment.GetEnvironmentVariable(SimdWidth.Variable) is null) Assert.Equal(expected, TestDevices.Get("cpu").SimdBits);
    }

    [Fact]
    public void Convolutions_agree()
    {
        foreach (Conv2DCase test in Conv2DCases.Nasty().Concat(Conv2DCases.Larger()))
        {
            (Conv2DShape s, int batch) = test;
            AssertAgree($"{test}", run =>
            {
                Tensor<float> x = run.Input(s.Input.Prepend(batch)), w = run.Input(s.Weights), dy = run.Input(s.Output.Prepend(batch));
                var conv = new Conv2D(run.Arena, s, batch);
                conv.Forward(x, w, run.Input(new Shape(s.OutChannels)), run.Output(dy.Shape));
                conv.GradInput(dy, w, run.Output(x.Shape));
                conv.GradWeight(x, dy, run.Output(w.Shape));
                conv.GradBias(dy, run.Output(new Shape(s.OutChannels)));
            });
        }
    }

    [Theory]
    [InlineData(1, 28, 26, false)]
    [InlineData(3, 8, 10, true)]
    [InlineData(16, 12, 14, false)]
    [InlineData(48, 6, 8, true)]
    public void Blocks_of_convolution_and_pooling_agree(int inChannels, int height, int width, bool normalizes) => AssertAgree($"{inChannels}x{height}x{width}", run =>
    {
        Conv2DShape s = Conv2DCases.Make(inChannels, height, width, 48, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 };
        const int batch = 5;
        var perChannel = new Shape(s.OutChannels);
        bool inputGradient = ConvBlock.TakesChannelsLast(run.Arena.Device, s);
        var block = new ConvBlock(run.Arena, s, batch, normalizes ? new NormalizationOptions(1e-5f, 0.1f) : null, training: true, inputGradient);
        Tensor<float> x = run.Input(block.Input.Prepend(batch)), w = run.Input(s.Weights), b = run.Input(perChannel), dy = run.Input(block.Output.Prepend(batch));
        NormalizationTensors? norm = normalizes ? new NormalizationTensors(run.Input(perChannel), run.Input(perChannel), run.Updated(perChannel), run.Updated(perChannel)) : null;
        block.Forward(x, w, b, norm, run.Output(dy.Shape));
        var toInput = new ConvBlock(run.Arena, s, batch, normalizes ? new NormalizationOptions(1e-5f, 0.1f) : null, training: false, inputGradient: true);
        toInput.Forward(x, w, b, norm, run.Output(dy.Shape));
        toInput.Backward(x, w, b, norm, dy, run.Output(x.Shape));
        block.Backward(x, w, b, norm, dy, inputGradient ? run.Output(x.Shape) : null, run.Output(w.Shape), run.Output(perChannel),
            normalizes ? run.Output(perChannel) : null, normalizes ? run.Output(perChannel) : null);
    });

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 5, 7)]
    [InlineData(17, 33, 19)]
    [InlineData(64, 10, 500)]
    [InlineData(13, 70, 900)]
    [InlineData(100, 65, 31)]
    public void Matrix_products_agree(int m, int n, int k) => AssertAgree($"{m}x{n}x{k}", run =>
    {
        foreach ((bool transposeA, bool transposeB) in new[] { (false, false), (true, false), (false, true), (true, true) })
        {
            Tensor<float> a = run.Input(transposeA ? new Shape(k, m) : new Shape(m, k)), b = run.Input(transposeB ? new Shape(n, k) : new Shape(k, n));
            new MatMul(run.Arena, transposeA, transposeB, Math.Max(a.Count, b.Count)).Multiply(a, b, run.Input(new Shape(n)), run.Output(new Shape(m, n)));
        }
        new ColumnSum(run.Arena.Device).Sum(run.Input(new Shape(m, n)), run.Output(new Shape(n)));
    });

    [Theory]
    [InlineData(5, 3, 7, 9)]
    [InlineData(16, 32, 14, 14)]
    [InlineData(2, 1, 1, 3)]
    [InlineData(9, 37, 1, 1)]
    public void Batch_normalisation_agrees(int batch, int channels, int height, int width) => AssertAgree($"{batch}x{channels}x{height}x{width}", run =>
    {
        Shape shape = new(batch, channels, height, width), perChannel = new(channels);
        Tensor<float> x = run.Input(shape), dy = run.Input(shape), scale = run.Input(perChannel), shift = run.Input(perChannel);
        Tensor<float> mean = run.Updated(perChannel), variance = run.Updated(perChannel), savedMean = run.Output(perChannel), savedInverse = run.Output(perChannel);
        new Elementwise(run.Arena.Device).Fill(variance, 1);
        var normalization = new BatchNormalization(run.Arena, channels, batch, height * width);
        normalization.ForwardTraining(x, scale, shift, mean, variance, run.Output(shape), savedMean, savedInverse);
        normalization.Backward(x, scale, savedMean, savedInverse, dy, run.Output(shape), run.Output(perChannel), run.Output(perChannel));
        normalization.ForwardInference(x, scale, shift, mean, variance, run.Output(shape));
        normalization.BackwardInference(dy, scale, variance, run.Output(shape));
    });

    [Fact]
    public void Pooling_agrees()
    {
        for (int seed = 0; seed < PoolingShapes.Count; seed++)
        {
            (Pool2DShape s, int batch) = PoolingShapes.Get(seed);
            AssertAgree($"{s}", run =>
            {
                Shape input = s.Input.Prepend(batch), output = s.Output.Prepend(batch);
                Tensor<float> x = run.Input(input), dy = run.Input(output);
                Tensor<int> argmax = run.Arena.Allocate<int>(output);
                var max = new MaxPool2D(run.Arena.Device, s);
                max.Forward(x, run.Output(output), argmax);
                max.ForwardOnly(x, run.Output(output));
                max.Backward(dy, argmax, run.Output(input));
                var average = new AveragePool2D(run.Arena.Device, s, countPadding: seed % 2 == 0);
                average.Forward(x, run.Output(output));
                average.Backward(dy, run.Output(input));
                Shape global = new(batch, s.Channels);
                Tensor<int> largest = run.Arena.Allocate<int>(global);
                var globalMax = new GlobalMaxPool2D(run.Arena.Device);
                globalMax.Forward(x, run.Output(global), largest);
                globalMax.Backward(run.Input(global), largest, run.Output(input));
                var globalAverage = new GlobalAveragePool2D(run.Arena.Device);
                globalAverage.Forward(x, run.Output(global));
                globalAverage.Backward(run.Input(global), run.Output(input));
            });
        }
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(7, 10)]
    [InlineData(33, 45)]
    [InlineData(3, 1000)]
    public void Softmax_and_losses_agree(int rows, int columns) => AssertAgree($"{rows}x{columns}", run =>
    {
        Device device = run.Arena.Device;
        Shape shape = new(rows, columns), one = new(rows);
        Tensor<float> x = run.Input(shape), dy = run.Input(shape), y = run.Output(shape), logs = run.Output(shape);
        Tensor<int> labels = run.Arena.Allocate<int>(one);
        labels.CopyFrom([.. Enumerable.Range(0, rows).Select(i => i * 7 % columns)]);
        var softmax = new Softmax(device);
        softmax.Forward(x, y);
        softmax.Backward(y, dy, run.Output(shape));
        var logSoftmax = new LogSoftmax(device);
        logSoftmax.Forward(x, logs);
        logSoftmax.Backward(logs, dy, run.Output(shape));
        var likelihood = new NegativeLogLikelihood(device);
        likelihood.Forward(logs, labels, run.Output(one));
        likelihood.Backward(labels, 0.25f, run.Output(shape));
        var crossEntropy = new SoftmaxCrossEntropy(device);
        Tensor<float> losses = run.Output(one), sums = run.Output(new Shape(1, 2));
        crossEntropy.Forward(x, labels, run.Output(one));
        crossEntropy.ForwardBackward(x, labels, 1f / rows, losses, run.Output(shape));
        crossEntropy.ForwardBackward(x, labels, 1f / rows, losses, run.Output(shape), smoothing: 0.1f);
        new BatchScore(device).Record(x, labels, losses, sums, 0);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(15)]
    [InlineData(31)]
    [InlineData(9000)]
    public void Elementwise_operators_sums_and_optimizers_agree(int count) => AssertAgree($"{count} elements", run =>
    {
        Device device = run.Arena.Device;
        var shape = new Shape(count);
        Tensor<float> a = run.Input(shape), b = run.Input(shape);
        foreach (Activation activation in new[] { Activation.Relu(device), Activation.LeakyRelu(device, 0.1f), Activation.Sigmoid(device), Activation.Tanh(device) })
        {
            Tensor<float> y = run.Output(shape);
            activation.Forward(a, y);
            activation.Backward(a, y, b, run.Output(shape));
        }
        var elementwise = new Elementwise(device);
        elementwise.Add(a, b, run.Output(shape));
        elementwise.AddScaled(a, 0.3f, b, run.Output(shape));
        elementwise.Scale(a, 0.7f, run.Output(shape));
        new Sum(run.Arena, count).Total(a, run.Output(new Shape(1)));
        var dropout = new Dropout(device, 0.4f, seed: 3);
        dropout.Forward(a, run.Output(shape), step: 2);
        dropout.Backward(b, run.Output(shape), step: 2);
        Tensor<float> w = run.Updated(shape), m = run.Updated(shape), v = run.Updated(shape), velocity = run.Updated(shape);
        elementwise.Fill(v, 0.5f);
        new Adam(device, new AdamOptions { WeightDecay = 0.01f }).Step(w, a, m, v, 1e-3f, 3);
        new Adam(device, new AdamOptions { WeightDecay = 0.01f, Decoupled = true }).Step(w, b, m, v, 1e-3f, 4);
        new Sgd(device, new SgdOptions { Momentum = 0.9f, Nesterov = true }).Step(w, a, velocity, 0.1f, firstStep: false);
    });

    [Fact]
    public void A_training_gives_the_same_weights()
    {
        RequireVectors();
        DataSet data = SmallData.Create();
        float[][] weights = [.. Devices.Value.Select(device =>
        {
            using var trainer = new Trainer(device, SmallData.Network(), data, SmallData.Options with { MaxShift = 1 });
            trainer.Run();
            return trainer.CurrentWeights.Arrays.SelectMany(a => a.Values).ToArray();
        })];
        for (int i = 1; i < weights.Length; i++) Assert.True(weights[0].AsSpan().SequenceEqual(weights[i]), $"{Devices.Value[i].SimdBits} bits train to other weights than {Devices.Value[0].SimdBits}.");
    }

    // There eng/verify compares whole trainings across processes.
    private static void RequireVectors()
    {
        if (!Vector128.IsHardwareAccelerated) Assert.Skip("This processor has no vectors: there is one width only.");
    }

    private static void AssertAgree(string what, Action<Run> body)
    {
        RequireVectors();
        float[][]? expected = null;
        foreach (Device device in Devices.Value)
        {
            using var arena = new DeviceArena(device);
            var run = new Run(arena);
            body(run);
            float[][] actual = run.Read(what);
            expected ??= actual;
            for (int i = 0; i < expected.Length; i++)
                for (int j = 0; j < expected[i].Length; j++)
                    if (BitConverter.SingleToInt32Bits(expected[i][j]) != BitConverter.SingleToInt32Bits(actual[i][j]))
                        Assert.Fail($"{what}, output {i}, element {j}: {expected[i][j]:g9} with {Devices.Value[0].SimdBits} bits, {actual[i][j]:g9} with {device.SimdBits}.");
        }
    }

    /// <summary>An operator's run on one device: the same inputs each time, and the outputs to compare.</summary>
    private sealed class Run(DeviceArena arena)
    {
        private readonly Random random = new(11);
        private readonly List<Func<string, float[]>> outputs = [];

        public DeviceArena Arena { get; } = arena;

        public Tensor<float> Input(Shape shape) => Values.On(Arena, shape, Values.Normal(random, shape.Count));

        /// <summary>Starts as NaN, with guards behind it.</summary>
        public Tensor<float> Output(Shape shape)
        {
            GuardedTensor output = Check.Guarded(Arena, shape);
            outputs.Add(output.Read);
            return output.Tensor;
        }

        /// <summary>Has values, and is compared afterwards.</summary>
        public Tensor<float> Updated(Shape shape)
        {
            Tensor<float> values = Input(shape);
            outputs.Add(_ => values.ToArray());
            return values;
        }

        public float[][] Read(string what) => [.. outputs.Select(read => read(what))];
    }
}

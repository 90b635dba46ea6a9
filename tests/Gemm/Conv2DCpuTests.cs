using GpuConv.Kernels;

namespace GpuConv.Tests;

public class Conv2DCpuTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(0, 80)];

    [Theory, MemberData(nameof(Seeds))]
    public void All_passes_match_the_definition(int seed)
    {
        var random = new Random(seed);
        Conv2DShape shape = Draw(random);
        int batch = random.Next(1, 5);
        Inputs inputs = new(shape, batch, random);
        Outputs actual = Run(TestDevices.Get("cpu"), shape, batch, inputs);
        Outputs64 expected = Naive(shape, batch, inputs);
        string what = $"{shape}, batch {batch}";
        long pixels = (long)batch * shape.OutHeight * shape.OutWidth;
        Check.Close(expected.Y, actual.Y, GemmTolerance.Chunked(shape.ReductionLength), $"y of {what}");
        Check.Close(expected.Dx, actual.Dx, GemmTolerance.Chunked(shape.GroupOutChannels * shape.KernelHeight * shape.KernelWidth), $"dx of {what}");
        Check.Close(expected.Dw, actual.Dw, GemmTolerance.Chunked(pixels), $"dw of {what}");
        Check.Close(expected.Db, actual.Db, GemmTolerance.Chunked(pixels), $"db of {what}");
    }

    [Theory, MemberData(nameof(Seeds))]
    public void The_bits_depend_neither_on_threads_nor_on_the_batch(int seed)
    {
        using Device one = Device.Open("cpu", threads: 1);
        Device two = TestDevices.Get("cpu");
        var random = new Random(seed + 1000);
        Conv2DShape shape = Draw(random);
        int batch = random.Next(2, 40);
        Inputs inputs = new(shape, batch, random);
        Outputs alone = Run(one, shape, batch, inputs), shared = Run(two, shape, batch, inputs);
        Assert.Equal(alone.Y, shared.Y);
        Assert.Equal(alone.Dx, shared.Dx);
        Assert.Equal(alone.Dw, shared.Dw);
        Assert.Equal(alone.Db, shared.Db);

        int n = random.Next(batch), x = shape.Input.Count, y = shape.Output.Count;
        Outputs single = Run(two, shape, 1, inputs with { X = inputs.X[(n * x)..((n + 1) * x)], Dy = inputs.Dy[(n * y)..((n + 1) * y)] });
        Assert.Equal(alone.Y[(n * y)..((n + 1) * y)], single.Y);
        Assert.Equal(alone.Dx[(n * x)..((n + 1) * x)], single.Dx);
    }

    [Fact]
    public void Blocks_of_rows_join_without_a_seam()
    {
        // Large enough that every pass cuts the image into several blocks, and the sums into several chunks.
        var shape = new Conv2DShape { InChannels = 48, InHeight = 37, InWidth = 61, OutChannels = 19, KernelHeight = 3, KernelWidth = 3, PadTop = 1, PadBottom = 1, PadLeft = 1, PadRight = 1 };
        foreach (Conv2DShape s in new[] { shape, shape with { StrideHeight = 2, StrideWidth = 3 } })
        {
            Inputs inputs = new(s, 2, new Random(5));
            Outputs actual = Run(TestDevices.Get("cpu"), s, 2, inputs);
            Outputs64 expected = Naive(s, 2, inputs);
            Check.Close(expected.Y, actual.Y, GemmTolerance.Chunked(432), "y");
            Check.Close(expected.Dx, actual.Dx, GemmTolerance.Chunked(171), "dx");
            Check.Close(expected.Dw, actual.Dw, GemmTolerance.Chunked(4514), "dw");
        }
    }

    [Fact]
    public void Running_allocates_nothing_on_the_managed_heap()
    {
        Device device = TestDevices.Get("cpu");
        using var arena = new DeviceArena(device);
        var shape = new Conv2DShape { InChannels = 4, InHeight = 9, InWidth = 8, OutChannels = 6, KernelHeight = 3, KernelWidth = 3, StrideWidth = 2 };
        var conv = new Conv2D(arena, shape, 3);
        var linear = new Linear(arena, 20, 30, 3);
        Tensor<float> x = arena.Allocate<float>(shape.Input.Prepend(3)), y = arena.Allocate<float>(shape.Output.Prepend(3)), w = arena.Allocate<float>(shape.Weights);
        Tensor<float> b = arena.Allocate<float>(new Shape(6)), features = arena.Allocate<float>(new Shape(3, 20)), results = arena.Allocate<float>(new Shape(3, 30));
        Tensor<float> matrix = arena.Allocate<float>(new Shape(30, 20)), bias = arena.Allocate<float>(new Shape(30));
        // The least of several: the runtime itself allocates now and then on our thread, when it recompiles what has become hot.
        long least = long.MaxValue;
        for (int i = 0; i < 10; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            conv.Forward(x, w, b, y);
            conv.GradInput(y, w, x);
            conv.GradWeight(x, y, w);
            conv.GradBias(y, b);
            linear.Forward(features, matrix, bias, results);
            linear.GradInput(results, matrix, features);
            linear.GradWeight(features, results, matrix);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    private static Conv2DShape Draw(Random random)
    {
        int groups = random.Next(4) == 0 ? random.Next(2, 5) : 1;
        int channels = random.Next(6) == 0 ? 1 : random.Next(1, 9), outChannels = random.Next(6) == 0 ? 1 : random.Next(1, 23);
        int Small() => random.Next(2) == 0 ? 1 : random.Next(1, 4);
        var shape = new Conv2DShape
        {
            InChannels = groups * channels,
            OutChannels = groups * outChannels,
            InHeight = random.Next(1, 20),
            InWidth = random.Next(1, 27),
            KernelHeight = random.Next(1, 6),
            KernelWidth = random.Next(1, 6),
            StrideHeight = Small(),
            StrideWidth = Small(),
            DilationHeight = Small(),
            DilationWidth = Small(),
            PadTop = random.Next(0, 4),
            PadLeft = random.Next(0, 4),
            PadBottom = random.Next(0, 4),
            PadRight = random.Next(0, 4),
            Groups = groups,
        };
        bool fits = shape.DilationHeight * (shape.KernelHeight - 1) < shape.InHeight + shape.PadTop + shape.PadBottom
            && shape.DilationWidth * (shape.KernelWidth - 1) < shape.InWidth + shape.PadLeft + shape.PadRight;
        return fits ? shape : Draw(random);
    }

    private sealed record Inputs(double[] X, double[] W, double[] B, double[] Dy)
    {
        public Inputs(Conv2DShape shape, int batch, Random random) : this(Values.Normal(random, batch * shape.Input.Count), Values.Normal(random, shape.Weights.Count),
            Values.Normal(random, shape.OutChannels), Values.Normal(random, batch * shape.Output.Count))
        { }
    }

    private sealed record Outputs(float[] Y, float[] Dx, float[] Dw, float[] Db);

    private sealed record Outputs64(double[] Y, double[] Dx, double[] Dw, double[] Db);

    private static Outputs Run(Device device, Conv2DShape shape, int batch, Inputs inputs)
    {
        using var arena = new DeviceArena(device);
        var conv = new Conv2D(arena, shape, batch);
        Tensor<float> x = Values.On(arena, shape.Input.Prepend(batch), inputs.X), w = Values.On(arena, shape.Weights, inputs.W), dy = Values.On(arena, shape.Output.Prepend(batch), inputs.Dy);
        GuardedTensor y = Check.Guarded(arena, shape.Output.Prepend(batch)), dx = Check.Guarded(arena, shape.Input.Prepend(batch));
        GuardedTensor dw = Check.Guarded(arena, shape.Weights), db = Check.Guarded(arena, new Shape(shape.OutChannels));
        conv.Forward(x, w, Values.On(arena, new Shape(shape.OutChannels), inputs.B), y.Tensor);
        conv.GradInput(dy, w, dx.Tensor);
        conv.GradWeight(x, dy, dw.Tensor);
        conv.GradBias(dy, db.Tensor);
        return new Outputs(y.Read("y"), dx.Read("dx"), dw.Read("dw"), db.Read("db"));
    }

    private static Outputs64 Naive(Conv2DShape s, int batch, Inputs inputs)
    {
        var result = new Outputs64(new double[batch * s.Output.Count], new double[batch * s.Input.Count], new double[s.Weights.Count], new double[s.OutChannels]);
        int yIndex = 0;
        for (int n = 0; n < batch; n++)
            for (int k = 0; k < s.OutChannels; k++)
                for (int p = 0; p < s.OutHeight; p++)
                    for (int q = 0; q < s.OutWidth; q++, yIndex++)
                    {
                        double sum = inputs.B[k], dy = inputs.Dy[yIndex];
                        result.Db[k] += dy;
                        for (int c = 0; c < s.GroupInChannels; c++)
                            for (int r = 0; r < s.KernelHeight; r++)
                                for (int t = 0; t < s.KernelWidth; t++)
                                {
                                    int h = p * s.StrideHeight + r * s.DilationHeight - s.PadTop, w = q * s.StrideWidth + t * s.DilationWidth - s.PadLeft;
                                    if (h < 0 || h >= s.InHeight || w < 0 || w >= s.InWidth) continue;
                                    int channel = k / s.GroupOutChannels * s.GroupInChannels + c;
                                    int xIndex = ((n * s.InChannels + channel) * s.InHeight + h) * s.InWidth + w;
                                    int wIndex = ((k * s.GroupInChannels + c) * s.KernelHeight + r) * s.KernelWidth + t;
                                    sum += inputs.X[xIndex] * inputs.W[wIndex];
                                    result.Dx[xIndex] += dy * inputs.W[wIndex];
                                    result.Dw[wIndex] += dy * inputs.X[xIndex];
                                }
                        result.Y[yIndex] = sum;
                    }
        return result;
    }
}

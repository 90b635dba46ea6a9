using GpuConv.Kernels;
using GpuConv.Net;
using ILGPU;

namespace GpuConv.Tests;

public class GradientCheckTests
{
    // y = W x with tanh, float32 throughout: 40 outputs of 60 products each. The gradients are exact but for rounding.
    private const int Rows = 40, Columns = 60;

    [Fact]
    public void Right_gradients_pass_whatever_the_seed()
    {
        for (int seed = 0; seed < 100; seed++)
            Assert.All(GradientCheck.Run(Inputs(seed), Forward, Backward, new GradientCheckOptions { Seed = seed }), result => Assert.True(result.Passed, $"{seed}: {result}"));
    }

    public static TheoryData<string> Mistakes => ["sign", "factor", "element", "left out", "shifted", "transposed", "zero"];

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void Wrong_gradients_are_found_whatever_the_seed(string mistake)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            IReadOnlyList<GradientCheckResult> results = GradientCheck.Run(Inputs(seed), Forward, (values, dy) => Wrong(Backward(values, dy), mistake), new GradientCheckOptions { Seed = seed });
            Assert.True(results.Single(r => r.Input == "x").Passed, $"{seed}: {results[0]}");
            GradientCheckResult found = results.Single(r => r.Input == "w");
            Assert.False(found.Passed, $"{mistake}, {seed}: {found}");
        }
    }

    private static IReadOnlyList<float[]?> Wrong(IReadOnlyList<float[]?> gradients, string mistake)
    {
        float[] w = [.. gradients[1]!];
        switch (mistake)
        {
            case "sign": w = [.. w.Select(v => -v)]; break;
            // Half a percent.
            case "factor": w = [.. w.Select(v => 1.005f * v)]; break;
            // One of 2400, at the size that the others have.
            case "element": w[777] += 1; break;
            case "left out": w[^1] = float.NaN; break;
            case "shifted": w = [w[^1], .. w[..^1]]; break;
            case "transposed": w = [.. Enumerable.Range(0, w.Length).Select(i => w[i % Rows * Columns + i / Rows])]; break;
            default: Array.Clear(w); break;
        }
        return [gradients[0], w];
    }

    [Fact]
    public void Outputs_with_a_kink_are_left_out_and_counted()
    {
        NamedValues[] inputs = [new("x", [.. Values.Normal(new Random(3), 2000).Select(v => (float)v)])];
        GradientCheckResult right = Assert.Single(GradientCheck.Run(inputs, v => [.. v[0].Select(x => Math.Max(x, 0))], (v, dy) => [[.. v[0].Zip(dy, (x, g) => x > 0 ? g : 0)]]));
        Assert.True(right.Passed, right.ToString());
        Assert.InRange(right.Kinks, 5, 100);
        // The kink at another place than the gradient says.
        GradientCheckResult wrong = Assert.Single(GradientCheck.Run(inputs, v => [.. v[0].Select(x => Math.Max(x, 0))], (v, dy) => [[.. v[0].Zip(dy, (x, g) => x > 0.1 ? g : 0)]]));
        Assert.False(wrong.Passed, wrong.ToString());
    }

    [Fact]
    public void A_check_that_shows_nothing_fails_and_says_so()
    {
        // The values' own rounding, 1/8, hides the derivative.
        GradientCheckResult rough = Assert.Single(GradientCheck.Run([new NamedValues("x", [1, 2, 3])], v => [.. v[0].Select(x => (x + 1e6f) - 1e6f)], (v, dy) => [dy]));
        Assert.False(rough.Passed);
        // Kinks everywhere.
        GradientCheckResult kinked = Assert.Single(GradientCheck.Run([new NamedValues("x", new float[50])], v => [.. v[0].Select(Math.Abs)], (v, dy) => [dy]));
        Assert.Contains("INCONCLUSIVE", kinked.ToString());
    }

    [Fact]
    public void What_the_passes_give_must_have_the_inputs_sizes()
    {
        NamedValues[] inputs = [new("x", [1, 2])];
        Assert.Contains("'x' has 1 values, the input 2", Assert.Throws<ArgumentException>(() => GradientCheck.Run(inputs, v => v[0], (v, dy) => [new float[1]])).Message);
        Assert.Contains("2 gradients for 1 inputs", Assert.Throws<ArgumentException>(() => GradientCheck.Run(inputs, v => v[0], (v, dy) => [dy, dy])).Message);
        Assert.Throws<ArgumentException>(() => GradientCheck.Run([], v => [], (v, dy) => []));
        Assert.Empty(GradientCheck.Run(inputs, v => v[0], (v, dy) => [null]));
    }

    [Theory]
    [MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_kernel_of_ones_own_runs_and_is_checked_on_every_device(string name)
    {
        Device device = TestDevices.Get(name);
        var forward = new IndexKernel<Difference>(device);
        var right = new IndexKernel<DifferenceGradient>(device);
        Shape shape = new(5, 7);
        GradientCheckResult Check(Action<ArrayView<float>, ArrayView<float>> backward) => Assert.Single(GradientCheck.Run(
            device, [("x", shape)], shape, (x, y) => forward.Launch(shape.Count, new(x[0].View, y.View)), (x, y, dy, dx) => backward(dy.View, dx[0].View)));
        GradientCheckResult passed = Check((dy, dx) => right.Launch(shape.Count, new(dy, dx))), wrong = Check((dy, dx) => forward.Launch(shape.Count, new(dy, dx)));
        Assert.True(passed.Passed, passed.ToString());
        Assert.False(wrong.Passed, wrong.ToString());
        Assert.False(Check((dy, dx) => right.Launch(shape.Count - 1, new(dy, dx))).Passed, "An element that is left out is NaN.");
    }

    // A function of one's own runs on vectors and on lanes; a kernel of groups on ILGPU's own accelerator where the device is the CPU.
    [Theory]
    [MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_function_and_a_kernel_of_groups_of_ones_own_run_on_every_device(string name)
    {
        Device device = TestDevices.Get(name);
        using var arena = new DeviceArena(device);
        float[] values = [.. Enumerable.Range(0, 1000).Select(i => 0.25f * i)];
        Tensor<float> x = arena.Allocate<float>(new Shape(1000)), y = arena.Allocate<float>(new Shape(1000));
        x.CopyFrom(values);
        new Map<Shifted>(device).Run(new Shifted(3), y, x, x);
        Assert.Equal(values.Select(v => 4 * v), y.ToArray());
        new GroupKernel<Reversed>(device).Launch(new KernelConfig(10, 2), new Reversed(x.View, y.View));
        Assert.Equal(Enumerable.Range(0, 20).Select(i => values[i / 2 * 2 + 1 - i % 2]), y.ToArray()[..20]);
    }

    [Theory]
    [InlineData("input 2x7x9\nconv 4 3x2 stride 2x1 pad 1\n")]
    [InlineData("input 3x6x5\nbatchnorm\n")]
    [InlineData("input 2x8x8\nconv 3 3x3 pad 1\nbatchnorm\nrelu\nmaxpool 2\n")]
    [InlineData("input 2x8x6\navgpool 2\nglobalavgpool\nlinear 5\nsigmoid\n")]
    [InlineData("input 13\nlinear 9\ntanh\nlinear 9\nadd tanh1\nlogsoftmax\n")]
    public void The_librarys_own_layers_pass(string text)
    {
        Network network = NetworkText.Parse(text);
        IReadOnlyList<GradientCheckResult> results = NetworkGradientCheck.Run(TestDevices.Get("cpu"), network);
        Assert.Equal([.. network.Parameters.Where(p => p.IsTrainable).Select(p => p.Name), "input"], results.Select(r => r.Input));
        // A convolution's bias does nothing before batch normalisation: its gradient is rounding alone, which shows nothing.
        bool withoutEffect(GradientCheckResult r) => r.Input == "conv1.bias" && text.Contains("batchnorm");
        Assert.All(results.Where(r => !withoutEffect(r)), r => Assert.True(r.Passed, r.ToString()));
    }

    [Fact]
    public void A_layer_of_ones_own_is_checked_in_a_network()
    {
        IReadOnlyList<GradientCheckResult> right = NetworkGradientCheck.Run(TestDevices.Get("cpu"), new NetworkBuilder(new Shape(6)).Linear(5).Append(new Squares(2)).Linear(3).Build());
        Assert.All(right, r => Assert.True(r.Passed, r.ToString()));
        IReadOnlyList<GradientCheckResult> wrong = NetworkGradientCheck.Run(TestDevices.Get("cpu"), new NetworkBuilder(new Shape(6)).Linear(5).Append(new Squares(1.9f)).Linear(3).Build());
        Assert.Equal(["fc2.weight", "fc2.bias"], wrong.Where(r => r.Passed).Select(r => r.Input));
    }

    [Fact]
    public void Dropout_is_refused() =>
        Assert.Throws<ArgumentException>(() => NetworkGradientCheck.Run(TestDevices.Get("cpu"), NetworkText.Parse("input 4\ndropout 0.5\nlinear 2\n")));

    private static NamedValues[] Inputs(int seed)
    {
        var random = new Random(seed);
        return [new("x", [.. Values.Normal(random, Columns).Select(v => (float)v)]), new("w", [.. Values.Normal(random, Rows * Columns).Select(v => (float)(v / 8))])];
    }

    private static float[] Forward(IReadOnlyList<float[]> values)
    {
        var y = new float[Rows];
        for (int r = 0; r < Rows; r++)
        {
            for (int c = 0; c < Columns; c++) y[r] += values[1][r * Columns + c] * values[0][c];
            y[r] = MathF.Tanh(y[r]);
        }
        return y;
    }

    private static IReadOnlyList<float[]?> Backward(IReadOnlyList<float[]> values, float[] dy)
    {
        float[] y = Forward(values), dx = new float[Columns], dw = new float[Rows * Columns];
        for (int r = 0; r < Rows; r++)
        {
            float d = dy[r] * (1 - y[r] * y[r]);
            for (int c = 0; c < Columns; c++)
            {
                dx[c] += d * values[1][r * Columns + c];
                dw[r * Columns + c] = d * values[0][c];
            }
        }
        return [dx, dw];
    }

    // y = x^2, whose gradient is twice x dy.
    private sealed record Squares(float Factor) : ILayer
    {
        public string Text => "squares";

        public string NamePrefix => "squares";

        public LayerRole Role => LayerRole.Activation;

        public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];

        public ILayerStep Prepare(StepContext context) => new Step(context, Factor);

        private sealed class Step(StepContext context, float factor) : ILayerStep
        {
            private readonly Elementwise elementwise = new(context.Device);

            public void Forward(int batch) => elementwise.Multiply(context.Input.First(batch), context.Input.First(batch), context.Output.First(batch));

            public void Backward(int batch)
            {
                if (context.InputGradient is not { } dx) return;
                elementwise.Multiply(context.Input.First(batch), context.OutputGradient!.Value.First(batch), dx.First(batch));
                elementwise.Scale(dx.First(batch), factor, dx.First(batch));
            }
        }
    }
}

/// <summary>y[i] = x[i] - x[i - 1] / 2.</summary>
public readonly struct Difference(ArrayView<float> x, ArrayView<float> y) : IIndexKernel
{
    public void Run(int i) => y[i] = x[i] - (i > 0 ? 0.5f * x[i - 1] : 0);
}

/// <summary>Its gradient.</summary>
public readonly struct DifferenceGradient(ArrayView<float> dy, ArrayView<float> dx) : IIndexKernel
{
    public void Run(int i) => dx[i] = dy[i] - (i + 1 < dy.Length ? 0.5f * dy[i + 1] : 0);
}

/// <summary>factor a + b.</summary>
public readonly struct Shifted(float factor) : IMap
{
    public static int Inputs => 2;

    public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.MultiplyAdd(TLanes.Broadcast(factor), x.A, x.B);
}

/// <summary>Each group's two elements exchanged, by way of shared memory.</summary>
public readonly struct Reversed(ArrayView<float> x, ArrayView<float> y) : IGroupKernel
{
    public void Run()
    {
        ArrayView<float> shared = SharedMemory.Allocate<float>(2);
        int at = Grid.IdxX * 2 + Group.IdxX;
        shared[Group.IdxX] = x[at];
        Group.Barrier();
        y[at] = shared[1 - Group.IdxX];
    }
}

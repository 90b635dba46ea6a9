using GpuConv.Kernels;

namespace GpuConv.Tests;

public class Conv2DTests
{
    [Fact]
    public void The_reference_computes_a_convolution_worked_out_by_hand()
    {
        Conv2DShape shape = Conv2DCases.Make(1, 3, 3, 1, 2, 2) with { PadRight = 1 };
        double[] x = [1, 2, 3, 4, 5, 6, 7, 8, 9], w = [1, 10, 100, 1000];
        Assert.Equal([5421.5, 6532.5, 603.5, 8754.5, 9865.5, 906.5], ReferenceConvolution.Forward(shape, 1, x, w, [0.5]));
    }

    [Fact]
    public void Central_differences_confirm_the_gradients_of_the_reference()
    {
        int seed = 0;
        foreach (Conv2DCase test in Conv2DCases.Nasty())
        {
            (Conv2DShape s, int batch) = test;
            var random = new Random(++seed);
            double[] x = Values.Normal(random, batch * s.Input.Count), w = Values.Normal(random, s.Weights.Count), b = Values.Normal(random, s.OutChannels);
            double[] dy = Values.Normal(random, batch * s.Output.Count);
            double Project(double[] y) => y.Zip(dy, (v, d) => v * d).Sum();
            Check.CentralDifference(v => Project(ReferenceConvolution.Forward(s, batch, v, w, b)), x, ReferenceConvolution.GradInput(s, batch, dy, w), seed, $"{test}, dx");
            Check.CentralDifference(v => Project(ReferenceConvolution.Forward(s, batch, x, v, b)), w, ReferenceConvolution.GradWeight(s, batch, x, dy), seed, $"{test}, dw");
            Check.CentralDifference(v => Project(ReferenceConvolution.Forward(s, batch, x, w, v)), b, ReferenceConvolution.GradBias(s, batch, dy), seed, $"{test}, db");
        }
    }

    [Fact]
    public void The_output_size_is_the_number_of_places_of_the_kernel()
    {
        foreach (Conv2DCase test in Conv2DCases.For(TestDevices.Get("cpu")))
        {
            Conv2DShape s = test.Shape;
            Assert.Equal(ReferenceConvolution.OutSize(s.InHeight, s.PadTop, s.PadBottom, s.KernelHeight, s.StrideHeight, s.DilationHeight), s.OutHeight);
            Assert.Equal(ReferenceConvolution.OutSize(s.InWidth, s.PadLeft, s.PadRight, s.KernelWidth, s.StrideWidth, s.DilationWidth), s.OutWidth);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Forward_matches_the_reference(string deviceName) => ForEachCase(deviceName, (s, batch, random, arena, name) =>
    {
        double[] x = Values.Normal(random, batch * s.Input.Count), w = Values.Normal(random, s.Weights.Count);
        double[]? b = random.Next(3) == 0 ? null : Values.Normal(random, s.OutChannels);
        GuardedTensor y = Check.Guarded(arena, s.Output.Prepend(batch));
        new Conv2D(arena, s, batch).Forward(
            Values.On(arena, s.Input.Prepend(batch), x), Values.On(arena, s.Weights, w), b is null ? null : Values.On(arena, new Shape(b.Length), b), y.Tensor);
        Check.Close(ReferenceConvolution.Forward(s, batch, x, w, b), y.Read(name), Tolerance.OrderedSum(s.ReductionLength), $"{name}, y");
    });

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_gradient_to_the_input_matches_the_reference(string deviceName) => ForEachCase(deviceName, (s, batch, random, arena, name) =>
    {
        double[] dy = Values.Normal(random, batch * s.Output.Count), w = Values.Normal(random, s.Weights.Count);
        GuardedTensor dx = Check.Guarded(arena, s.Input.Prepend(batch));
        new Conv2D(arena, s, batch).GradInput(Values.On(arena, s.Output.Prepend(batch), dy), Values.On(arena, s.Weights, w), dx.Tensor);
        Tolerance tolerance = Tolerance.OrderedSum(s.GroupOutChannels * s.KernelHeight * s.KernelWidth);
        Check.Close(ReferenceConvolution.GradInput(s, batch, dy, w), dx.Read(name), tolerance, $"{name}, dx");
    });

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void The_gradients_to_weights_and_bias_match_the_reference(string deviceName) => ForEachCase(deviceName, (s, batch, random, arena, name) =>
    {
        double[] x = Values.Normal(random, batch * s.Input.Count), dy = Values.Normal(random, batch * s.Output.Count);
        GuardedTensor dw = Check.Guarded(arena, s.Weights), db = Check.Guarded(arena, new Shape(s.OutChannels));
        // Room for more images than come: what the last batch of an epoch looks like.
        var conv = new Conv2D(arena, s, batch + random.Next(3));
        Tensor<float> dyOn = Values.On(arena, s.Output.Prepend(batch), dy);
        conv.GradWeight(Values.On(arena, s.Input.Prepend(batch), x), dyOn, dw.Tensor);
        conv.GradBias(dyOn, db.Tensor);
        Tolerance tolerance = Tolerance.OrderedSum((long)batch * s.OutHeight * s.OutWidth);
        Check.Close(ReferenceConvolution.GradWeight(s, batch, x, dy), dw.Read(name), tolerance, $"{name}, dw");
        Check.Close(ReferenceConvolution.GradBias(s, batch, dy), db.Read(name), tolerance, $"{name}, db");
    });

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void An_image_gives_the_same_bits_alone_and_in_a_batch(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        const int batch = 3;
        foreach (Conv2DShape s in TestScope.Some(deviceName, SomeShapes(device)))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(s.GetHashCode());
            Tensor<float> x = Values.On(arena, s.Input.Prepend(batch), Values.Normal(random, batch * s.Input.Count));
            Tensor<float> dy = Values.On(arena, s.Output.Prepend(batch), Values.Normal(random, batch * s.Output.Count));
            Tensor<float> w = Values.On(arena, s.Weights, Values.Normal(random, s.Weights.Count)), b = Values.On(arena, new Shape(s.OutChannels), Values.Normal(random, s.OutChannels));
            GuardedTensor y = Check.Guarded(arena, s.Output.Prepend(batch)), y1 = Check.Guarded(arena, s.Output.Prepend(1));
            GuardedTensor dx = Check.Guarded(arena, s.Input.Prepend(batch)), dx1 = Check.Guarded(arena, s.Input.Prepend(1));
            Conv2D together = new(arena, s, batch), alone = new(arena, s, 1);
            together.Forward(x, w, b, y.Tensor);
            together.GradInput(dy, w, dx.Tensor);
            for (int i = 0; i < batch; i += 2)
            {
                alone.Forward(x.Slice(i, 1), w, b, y1.Tensor);
                alone.GradInput(dy.Slice(i, 1), w, dx1.Tensor);
                Assert.Equal(y.Read("y").AsSpan(i * s.Output.Count, s.Output.Count).ToArray(), y1.Read("y of one"));
                Assert.Equal(dx.Read("dx").AsSpan(i * s.Input.Count, s.Input.Count).ToArray(), dx1.Read("dx of one"));
            }
        }
    }

    [Fact]
    public void On_the_cpu_the_bits_do_not_depend_on_the_number_of_threads()
    {
        if (!TestDevices.All.Any(row => row.Data == "cpu")) Assert.Skip("The CPU is not among the devices under test.");
        Device two = TestDevices.Get("cpu");
        using var one = Device.Open("cpu", threads: 1);
        using var three = Device.Open("cpu", threads: 3);
        foreach (Conv2DCase test in Conv2DCases.For(two))
        {
            float[][] expected = AllPasses(two, test.Shape, test.Batch);
            foreach (Device other in new[] { one, three })
            {
                float[][] actual = AllPasses(other, test.Shape, test.Batch);
                for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i]);
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Every_pass_repeats_to_the_bit_also_with_room_for_a_larger_batch(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (Conv2DShape s in TestScope.Some(deviceName, SomeShapes(device).Skip(2)))
        {
            float[][] once = AllPasses(device, s, 3), again = AllPasses(device, s, 3, maxBatch: 5);
            for (int i = 0; i < once.Length; i++) Assert.Equal(once[i], again[i]);
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_tensor_of_another_shape_is_refused_by_name(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var conv = new Conv2D(arena, Conv2DCases.Make(2, 5, 4, 3, 3, 2), 2);
        Tensor<float> On(params int[] sizes) => arena.Allocate<float>(new Shape(sizes));
        Tensor<float> x = On(2, 2, 5, 4), w = On(3, 2, 3, 2), b = On(3), y = On(2, 3, 3, 3), wrong = On(2, 3, 3, 4);
        Refused("x is 2x3x3x4, not 2x2x5x4", () => conv.Forward(wrong, w, b, y));
        Refused("w is 2x3x3x4, not 3x2x3x2", () => conv.Forward(x, wrong, b, y));
        Refused("not 3", () => conv.Forward(x, w, wrong, y));
        Refused("y is 2x3x3x4, not 2x3x3x3", () => conv.Forward(x, w, b, wrong));
        Refused("y is 1x3x3x3, not 2x3x3x3", () => conv.Forward(x, w, b, y.First(1)));
        Refused("dy is 2x3x3x4, not 2x3x3x3", () => conv.GradInput(wrong, w, x));
        Refused("dx is 2x3x3x4, not 2x2x5x4", () => conv.GradInput(y, w, wrong));
        Refused("x is 1x2x5x4, not 2x2x5x4", () => conv.GradWeight(x.First(1), y, w));
        Refused("dw is 2x3x3x4, not 3x2x3x2", () => conv.GradWeight(x, y, wrong));
        Refused("db is 2x3x3x4, not 3", () => conv.GradBias(y, wrong));
    }

    [Fact]
    public void Sizes_that_contradict_each_other_are_refused_with_the_reason()
    {
        Conv2DShape shape = Conv2DCases.Make(4, 6, 5, 6, 3, 2);
        shape.Validate();
        Refused("is empty", () => (shape with { InChannels = 0 }).Validate());
        Refused("is empty", () => (shape with { InWidth = 0 }).Validate());
        Refused("at least one output channel, not 0", () => (shape with { OutChannels = 0 }).Validate());
        Refused("A kernel of 0x2 is empty", () => (shape with { KernelHeight = 0 }).Validate());
        Refused("Strides are at least 1, not 1x0", () => (shape with { StrideWidth = 0 }).Validate());
        Refused("Dilations are at least 1, not -1x1", () => (shape with { DilationHeight = -1 }).Validate());
        Refused("Paddings are not negative: top 0, left -1", () => (shape with { PadLeft = -1 }).Validate());
        Refused("3 groups do not divide 4 input and 6 output channels", () => (shape with { Groups = 3 }).Validate());
        Refused("4 groups do not divide 4 input and 6 output channels", () => (shape with { Groups = 4 }).Validate());
        Refused("0 groups do not divide", () => (shape with { Groups = 0 }).Validate());
        Refused("spans 7x2 does not fit into the padded image of 6x5", () => (shape with { KernelHeight = 7 }).Validate());
        Refused("spans 9x2 does not fit into the padded image of 8x5", () => (shape with { DilationHeight = 4, PadTop = 1, PadBottom = 1 }).Validate());
        using var arena = new DeviceArena(TestDevices.Get("simulated"));
        Refused("is empty", () => _ = new Conv2D(arena, shape with { InHeight = 0 }, 1));
    }

    private static void Refused(string reason, Action action) => Assert.Contains(reason, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);

    private static IEnumerable<Conv2DShape> SomeShapes(Device device) =>
        Conv2DCases.For(device).Where((_, i) => i is 3 or 7 or 10 or 12 or 14 or 19 or 20 or >= 44).Select(c => c.Shape);

    private static void ForEachCase(string deviceName, Action<Conv2DShape, int, Random, DeviceArena, string> test)
    {
        Device device = TestDevices.Get(deviceName);
        (int Number, Conv2DCase Case)[] all = [.. Conv2DCases.For(device).Index()];
        Assert.True(all.Length >= 40, $"{all.Length} cases are too few.");
        foreach ((int number, Conv2DCase c) in TestScope.Some(deviceName, all))
        {
            using var arena = new DeviceArena(device);
            test(c.Shape, c.Batch, new Random(number + 1), arena, c.ToString());
        }
    }

    private static float[][] AllPasses(Device device, Conv2DShape s, int batch, int? maxBatch = null)
    {
        using var arena = new DeviceArena(device);
        var random = new Random(7);
        Tensor<float> x = Values.On(arena, s.Input.Prepend(batch), Values.Normal(random, batch * s.Input.Count));
        Tensor<float> dy = Values.On(arena, s.Output.Prepend(batch), Values.Normal(random, batch * s.Output.Count));
        Tensor<float> w = Values.On(arena, s.Weights, Values.Normal(random, s.Weights.Count)), b = Values.On(arena, new Shape(s.OutChannels), Values.Normal(random, s.OutChannels));
        GuardedTensor y = Check.Guarded(arena, dy.Shape), dx = Check.Guarded(arena, x.Shape), dw = Check.Guarded(arena, w.Shape), db = Check.Guarded(arena, b.Shape);
        var conv = new Conv2D(arena, s, maxBatch ?? batch);
        conv.Forward(x, w, b, y.Tensor);
        conv.GradInput(dy, w, dx.Tensor);
        conv.GradWeight(x, dy, dw.Tensor);
        conv.GradBias(dy, db.Tensor);
        return [y.Read("y"), dx.Read("dx"), dw.Read("dw"), db.Read("db")];
    }
}

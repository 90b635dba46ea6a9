using GpuConv.Kernels;

namespace GpuConv.Tests;

public class LinearTests
{
    [Fact]
    public void Central_differences_confirm_the_gradients_of_the_reference()
    {
        foreach ((int batch, int inputs, int outputs) in new[] { (1, 1, 1), (3, 5, 2), (4, 1, 7), (2, 9, 1) })
        {
            var random = new Random(inputs);
            double[] x = Values.Normal(random, batch * inputs), w = Values.Normal(random, outputs * inputs), b = Values.Normal(random, outputs);
            double[] dy = Values.Normal(random, batch * outputs);
            (double[] dx, double[] dw, double[] db) = ReferenceMatrixProduct.LinearGradients(batch, inputs, outputs, x, w, dy);
            double Project(double[] y) => y.Zip(dy, (v, d) => v * d).Sum();
            Check.CentralDifference(v => Project(ReferenceMatrixProduct.LinearForward(batch, inputs, outputs, v, w, b)), x, dx, 1, "dx");
            Check.CentralDifference(v => Project(ReferenceMatrixProduct.LinearForward(batch, inputs, outputs, x, v, b)), w, dw, 2, "dw");
            Check.CentralDifference(v => Project(ReferenceMatrixProduct.LinearForward(batch, inputs, outputs, x, w, v)), b, db, 3, "db");
        }
    }

    [Theory, MemberData(nameof(TestDevices.ForProducts), MemberType = typeof(TestDevices))]
    public void Forward_and_all_gradients_match_the_reference(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        (int Number, (int Batch, int Inputs, int Outputs) Size)[] all = [.. Sizes(device).Index()];
        Assert.True(all.Length >= 40, $"{all.Length} sizes are too few.");
        foreach ((int number, (int batch, int inputs, int outputs)) in TestScope.Some(deviceName, all))
        {
            int seed = number + 1;
            using var arena = new DeviceArena(device);
            var random = new Random(seed);
            string name = $"batch {batch}, {inputs} to {outputs}";
            double[] x = Values.Normal(random, batch * inputs), w = Values.Normal(random, outputs * inputs), dy = Values.Normal(random, batch * outputs);
            double[]? b = seed % 3 == 0 ? null : Values.Normal(random, outputs);
            var linear = new Linear(arena, inputs, outputs, batch);
            Assert.Equal((inputs, outputs), (linear.InFeatures, linear.OutFeatures));
            Tensor<float> xOn = Values.On(arena, new Shape(batch, inputs), x), wOn = Values.On(arena, new Shape(outputs, inputs), w);
            Tensor<float> dyOn = Values.On(arena, new Shape(batch, outputs), dy);
            GuardedTensor y = Check.Guarded(arena, dyOn.Shape), dx = Check.Guarded(arena, xOn.Shape), dw = Check.Guarded(arena, wOn.Shape);
            GuardedTensor db = Check.Guarded(arena, new Shape(outputs));
            linear.Forward(xOn, wOn, b is null ? null : Values.On(arena, new Shape(outputs), b), y.Tensor);
            linear.GradInput(dyOn, wOn, dx.Tensor);
            linear.GradWeight(xOn, dyOn, dw.Tensor);
            linear.GradBias(dyOn, db.Tensor);
            (double[] rdx, double[] rdw, double[] rdb) = ReferenceMatrixProduct.LinearGradients(batch, inputs, outputs, x, w, dy);
            Check.Close(ReferenceMatrixProduct.LinearForward(batch, inputs, outputs, x, w, b), y.Read(name), Tolerance.Product(device, inputs), $"{name}, y");
            Check.Close(rdx, dx.Read(name), Tolerance.Product(device, outputs), $"{name}, dx");
            Check.Close(rdw, dw.Read(name), Tolerance.Product(device, batch), $"{name}, dw");
            Check.Close(rdb, db.Read(name), Tolerance.OrderedSum(batch), $"{name}, db");

            // With a ReLU after it, and as the layer after one: the same bits, cut off.
            GuardedTensor reluY = Check.Guarded(arena, dyOn.Shape), reluDx = Check.Guarded(arena, xOn.Shape);
            linear.Forward(xOn, wOn, b is null ? null : Values.On(arena, new Shape(outputs), b), reluY.Tensor, throughRelu: true);
            linear.GradInput(dyOn, wOn, reluDx.Tensor, reluOutput: xOn);
            Assert.Equal(y.Tensor.ToArray().Select(v => Math.Max(0, v)), reluY.Read(name));
            Assert.Equal(dx.Tensor.ToArray().Select((d, i) => x[i] > 0 ? d : 0), reluDx.Read(name));
        }
    }

    // On GPUs the layer has working memory for the chunks of a long sum, a product alone has none and adds them in one group.
    [Theory, MemberData(nameof(TestDevices.ForProducts), MemberType = typeof(TestDevices))]
    public void A_long_sum_gives_the_same_bits_however_its_chunks_are_added(string deviceName)
    {
        const int batch = 3, inputs = 276, outputs = 12;
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        var random = new Random(1);
        double[] x = Values.Normal(random, batch * inputs), w = Values.Normal(random, outputs * inputs), b = Values.Normal(random, outputs);
        Tensor<float> xOn = Values.On(arena, new Shape(batch, inputs), x), wOn = Values.On(arena, new Shape(outputs, inputs), w), bOn = Values.On(arena, new Shape(outputs), b);
        GuardedTensor y = Check.Guarded(arena, new Shape(batch, outputs)), product = Check.Guarded(arena, y.Tensor.Shape), one = Check.Guarded(arena, new Shape(1, outputs));
        var linear = new Linear(arena, inputs, outputs, batch);
        linear.Forward(xOn, wOn, bOn, y.Tensor);
        new MatMul(arena, false, true, outputs * inputs).Multiply(xOn, wOn, bOn, product.Tensor);
        linear.Forward(xOn.Slice(1, 1), wOn, bOn, one.Tensor);
        float[] all = y.Read("y");
        Check.Close(ReferenceMatrixProduct.LinearForward(batch, inputs, outputs, x, w, b), all, Tolerance.Product(device, inputs), "y");
        Assert.Equal(all, product.Read("product"));
        Assert.Equal(all[outputs..(2 * outputs)], one.Read("y of one"));
    }

    [Theory, MemberData(nameof(TestDevices.ForProducts), MemberType = typeof(TestDevices))]
    public void A_sample_gives_the_same_bits_alone_and_in_a_batch(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach ((int batch, int inputs, int outputs) in new[] { (3, 5, 7), (34, 17, 9), (5, 40, 70) })
        {
            using var arena = new DeviceArena(device);
            var random = new Random(inputs);
            Tensor<float> x = Values.On(arena, new Shape(batch, inputs), Values.Normal(random, batch * inputs));
            Tensor<float> dy = Values.On(arena, new Shape(batch, outputs), Values.Normal(random, batch * outputs));
            Tensor<float> w = Values.On(arena, new Shape(outputs, inputs), Values.Normal(random, outputs * inputs));
            Tensor<float> b = Values.On(arena, new Shape(outputs), Values.Normal(random, outputs));
            GuardedTensor y = Check.Guarded(arena, dy.Shape), y1 = Check.Guarded(arena, new Shape(1, outputs));
            GuardedTensor dx = Check.Guarded(arena, x.Shape), dx1 = Check.Guarded(arena, new Shape(1, inputs));
            Linear together = new(arena, inputs, outputs, batch), alone = new(arena, inputs, outputs, 1);
            together.Forward(x, w, b, y.Tensor);
            together.GradInput(dy, w, dx.Tensor);
            foreach (int i in new[] { 0, batch - 1 })
            {
                alone.Forward(x.Slice(i, 1), w, b, y1.Tensor);
                alone.GradInput(dy.Slice(i, 1), w, dx1.Tensor);
                Assert.Equal(y.Read("y").AsSpan(i * outputs, outputs).ToArray(), y1.Read("y of one"));
                Assert.Equal(dx.Read("dx").AsSpan(i * inputs, inputs).ToArray(), dx1.Read("dx of one"));
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Tensors_that_do_not_fit_are_refused(string deviceName)
    {
        using var arena = new DeviceArena(TestDevices.Get(deviceName));
        Tensor<float> On(params int[] sizes) => arena.Allocate<float>(new Shape(sizes));
        var linear = new Linear(arena, 3, 4, 2);
        Tensor<float> x = On(2, 3), w = On(4, 3), b = On(4), y = On(2, 4);
        linear.Forward(x, w, b, y);
        Refused("b is 3x4, not", () => linear.Forward(x, On(3, 4), b, y));
        Refused("not 4", () => linear.Forward(x, w, On(3), y));
        Refused("c is 2x3, not 2x4", () => linear.Forward(x, w, b, On(2, 3)));
        Refused("not 2x3", () => linear.GradInput(y, w, On(1, 3)));
        Refused("not 4x3", () => linear.GradWeight(x, y, On(3, 4)));
        Refused("s is 3, not 4", () => linear.GradBias(y, On(3)));
    }

    private static void Refused(string reason, Action action) => Assert.Contains(reason, Assert.Throws<ArgumentException>(action).Message, StringComparison.Ordinal);

    private static IEnumerable<(int Batch, int Inputs, int Outputs)> Sizes(Device device)
    {
        foreach ((int, int, int) size in new[] { (1, 1, 1), (1, 1, 9), (1, 9, 1), (9, 1, 1), (1, 33, 17), (33, 5, 3), (3, 65, 2), (2, 3, 65), (17, 16, 8), (4, 100, 10) })
            yield return size;
        var random = new Random(11);
        for (int i = 0; i < 30; i++) yield return (random.Next(1, 12), random.Next(1, 30), random.Next(1, 30));
        if (TestDevices.IsSlow(device)) yield break;
        foreach ((int, int, int) size in new[] { (64, 157, 50), (65, 300, 33), (1, 784, 100), (128, 50, 10) }) yield return size;
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Convolution and pooling in three dimensions, which are made of two, against their definitions in float64.</summary>
public class OnnxVolumeTests
{
    [Theory, MemberData(nameof(OnnxTestTests.Devices), MemberType = typeof(OnnxTestTests))]
    public void Convolutions_match_their_definition(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 20))
        {
            (Random random, int[] kernel, int[] strides, int[] dilations, int[] pads, int[] x) = Draw(seed);
            int groups = random.Next(1, 3), each = random.Next(1, 3), filters = groups * random.Next(1, 3);
            x[1] = groups * each;
            int[] w = [filters, each, .. kernel];
            double[] input = Values.Normal(random, Count(x)), weights = Values.Normal(random, Count(w)), bias = Values.Normal(random, filters);
            int[] y = [x[0], filters, .. Output(x, kernel, strides, dilations, pads, ceil: false)];
            var expected = new double[Count(y)];
            for (int i = 0; i < expected.Length; i++)
            {
                int[] at = Index(y, i);
                double sum = bias[at[1]];
                for (int c = 0; c < each; c++)
                    foreach ((int[] element, int[] pixel, bool inside) in Window(at, x, kernel, strides, dilations, pads))
                        if (inside) sum += weights[Place(w, [at[1], c, .. element])] * input[Place(x, [at[0], at[1] / (filters / groups) * each + c, .. pixel])];
                expected[i] = sum;
            }
            MadeGraph graph = Graph("Conv", "x, w, b", x, ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads), ("group", groups))
                .Constant("w", w, Floats(weights)).Constant("b", [filters], Floats(bias));
            Compare(deviceName, graph, x, input, y, expected, Tolerance.Sum(each * Count(kernel)), $"seed {seed}");
        }
    }

    [Theory, MemberData(nameof(OnnxTestTests.Devices), MemberType = typeof(OnnxTestTests))]
    public void Poolings_match_their_definition(string deviceName)
    {
        foreach (int seed in TestScope.Seeds(deviceName, 24))
        {
            (Random random, int[] kernel, int[] strides, int[] dilations, int[] pads, int[] x) = Draw(seed);
            bool maximum = seed % 3 == 0, countPadding = seed % 3 == 1, ceil = seed % 2 == 1;
            double[] input = Values.Normal(random, Count(x));
            int[] y = [x[0], x[1], .. Output(x, kernel, strides, dilations, pads, ceil)];
            var expected = new double[Count(y)];
            for (int i = 0; i < expected.Length; i++)
            {
                int[] at = Index(y, i);
                (double sum, double largest, int count) = (0, double.NegativeInfinity, 0);
                foreach ((_, int[] pixel, bool inside) in Window(at, x, kernel, strides, dilations, pads))
                {
                    // Beyond the padding nothing counts.
                    if (inside || (countPadding && Enumerable.Range(0, 3).All(d => pixel[d] < x[d + 2] + pads[d + 3]))) count++;
                    if (!inside) continue;
                    double value = input[Place(x, [at[0], at[1], .. pixel])];
                    (sum, largest) = (sum + value, Math.Max(largest, value));
                }
                expected[i] = maximum ? largest : count == 0 ? 0 : sum / count;
            }
            MadeGraph graph = Graph(maximum ? "MaxPool" : "AveragePool", "x", x, ("kernel_shape", kernel), ("strides", strides), ("dilations", dilations), ("pads", pads), ("ceil_mode", ceil ? 1 : 0));
            if (countPadding) graph.Graph.Node[0].Attribute.Add(new AttributeProto { Name = "count_include_pad", Type = AttributeType.Int, I = 1 });
            Compare(deviceName, graph, x, input, y, expected, Tolerance.Sum(Count(kernel)), $"seed {seed}");
        }
    }

    // Sizes, windows and paddings of which no two dimensions are alike; the last dimension of a window may stand in the padding alone.
    private static (Random Random, int[] Kernel, int[] Strides, int[] Dilations, int[] Pads, int[] X) Draw(int seed)
    {
        var random = new Random(seed);
        int[] Three(int low, int high) => [random.Next(low, high), random.Next(low, high), random.Next(low, high)];
        return (random, Three(1, 4), Three(1, 4), Three(1, 3), [.. Three(0, 3), .. Three(0, 3)], [random.Next(1, 3), random.Next(1, 3), .. Three(5, 9)]);
    }

    private static int[] Output(int[] x, int[] kernel, int[] strides, int[] dilations, int[] pads, bool ceil) => [.. Enumerable.Range(0, 3).Select(d =>
    {
        int room = x[d + 2] + pads[d] + pads[d + 3] - dilations[d] * (kernel[d] - 1) - 1;
        int count = (ceil ? (room + strides[d] - 1) / strides[d] : room / strides[d]) + 1;
        return ceil && (count - 1) * strides[d] >= x[d + 2] + pads[d] ? count - 1 : count;
    })];

    private static IEnumerable<(int[] Element, int[] Pixel, bool Inside)> Window(int[] at, int[] x, int[] kernel, int[] strides, int[] dilations, int[] pads)
    {
        for (int i = 0; i < Count(kernel); i++)
        {
            int[] element = Index(kernel, i);
            int[] pixel = [.. Enumerable.Range(0, 3).Select(d => at[d + 2] * strides[d] + element[d] * dilations[d] - pads[d])];
            yield return (element, pixel, Enumerable.Range(0, 3).All(d => pixel[d] >= 0 && pixel[d] < x[d + 2]));
        }
    }

    private static MadeGraph Graph(string operation, string inputs, int[] x, params (string Name, object Value)[] attributes) =>
        new MadeGraph(opset: 22).Input("x", [.. x.Select(size => (object)size)]).Node(operation, inputs, "y", attributes).Output("y", "n", "c", "d", "h", "w");

    private static void Compare(string deviceName, MadeGraph graph, int[] x, double[] input, int[] y, double[] expected, Tolerance tolerance, string what)
    {
        OnnxArray result = OnnxGraph.Parse(graph.ToBytes(), "made").Run(TestDevices.Get(deviceName), new Dictionary<string, OnnxArray> { ["x"] = new(x, Floats(input)) }, cancellation: TestContext.Current.CancellationToken)[0];
        Assert.Equal(y, result.Shape);
        // The maximum of a window that holds padding alone; the difference of two is none.
        Assert.Equal(expected.Select(double.IsNegativeInfinity), result.Floats.Select(float.IsNegativeInfinity));
        Check.Close([.. expected.Select(v => double.IsInfinity(v) ? 0 : v)], [.. result.Floats.Select(v => float.IsInfinity(v) ? 0 : v)], tolerance, what);
    }

    private static float[] Floats(double[] values) => Array.ConvertAll(values, v => (float)v);

    private static int Count(int[] shape) => shape.Aggregate(1, (count, size) => count * size);

    private static int Place(int[] shape, int[] index) => shape.Zip(index).Aggregate(0, (place, d) => place * d.First + d.Second);

    private static int[] Index(int[] shape, int place)
    {
        var index = new int[shape.Length];
        for (int d = shape.Length - 1; d >= 0; d--) (index[d], place) = (place % shape[d], place / shape[d]);
        return index;
    }
}

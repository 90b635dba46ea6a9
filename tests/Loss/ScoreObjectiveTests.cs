using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class ScoreObjectiveTests
{
    private static readonly ObjectiveKind[] Kinds = Enum.GetValues<ObjectiveKind>();

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Objectives_and_their_gradients_match_float64(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var objective = new ScoreObjective(device);
        foreach (ObjectiveKind kind in Kinds)
        {
            foreach ((int rows, int columns) in (ReadOnlySpan<(int, int)>)[(1, 3), (5, 3), (64, 10), (7, 16), (3, 47), (130, 4)])
            {
                using var arena = new DeviceArena(device);
                var random = new Random(rows + columns);
                double[] z = [.. Enumerable.Range(0, rows).SelectMany(_ => Apart(random, columns))];
                int[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.Next(columns))];
                Tensor<int> labelsOn = arena.Allocate<int>(new Shape(rows));
                labelsOn.CopyFrom(labels);
                GuardedTensor values = Check.Guarded(arena, new Shape(rows)), dz = Check.Guarded(arena, new Shape(rows, columns));
                objective.ForwardBackward(kind, Values.On(arena, new Shape(rows, columns), z), labelsOn, -1.5f, values.Tensor, dz.Tensor);
                double[][] each = [.. Enumerable.Range(0, rows).Select(i => z[(i * columns)..((i + 1) * columns)])];
                // A quotient of differences of scores up to 10, each exact: a few roundings more than a transcendental's.
                var tolerance = new Tolerance(1e-5, 1e-5);
                Check.Close([.. each.Select((row, i) => Objectives.Value(kind, row, labels[i]))], values.Read("values"), tolerance, $"{kind} {rows}x{columns}, values");
                Check.Close([.. each.SelectMany((row, i) => Objectives.Gradient(kind, row, labels[i]).Select(g => -1.5 * g))], dz.Read("dz"), tolerance, $"{kind} {rows}x{columns}, gradient");
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Of_equal_scores_the_first_counts_and_an_unknown_label_is_seen(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        Tensor<float> z = Values.On(arena, new Shape(3, 4), [2, 5, 5, 1, 3, 3, 3, 3, 0, 1, 2, 3]), values = arena.Allocate<float>(new Shape(3)), dz = arena.Allocate<float>(new Shape(3, 4));
        Tensor<int> labels = arena.Allocate<int>(new Shape(3));
        labels.CopyFrom([3, 0, 4]);
        new ScoreObjective(device).ForwardBackward(ObjectiveKind.Margin, z, labels, 1, values, dz);
        Assert.Equal([4, 0, float.NaN], values.ToArray());
        Assert.Equal([0, 1, 0, -1, -1, 1, 0, 0, float.NaN, float.NaN, float.NaN, float.NaN], dz.ToArray());
        Assert.Throws<ArgumentException>(() => new ScoreObjective(device).ForwardBackward(ObjectiveKind.LogitRatio, z.Slice(0, 2).Reshape(new Shape(1, 2)), labels.First(1), 1, values.First(1), dz.Slice(0, 2).Reshape(new Shape(1, 2))));
    }

    // Scores that differ by at least a tenth, so that no objective has a kink near them.
    private static IEnumerable<double> Apart(Random random, int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        random.Shuffle(order);
        return order.Select(k => (float)(0.2 * k - 0.1 * count + 0.1 * random.NextDouble())).Select(v => (double)v);
    }
}

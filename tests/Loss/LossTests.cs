using GpuConv.Kernels;
using GpuConv.Tests.Reference;

namespace GpuConv.Tests;

public class LossTests
{
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Cross_entropy_and_its_gradient_match_float64(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var crossEntropy = new SoftmaxCrossEntropy(device);
        foreach ((int rows, int columns, int seed) in TestScope.Some(deviceName, SoftmaxTests.Shapes()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed + 300);
            var shape = new Shape(rows, columns);
            double[] x = Values.Normal(random, shape.Count, 3);
            (int[] labels, Tensor<int> labelsOn) = Labels(arena, random, rows, columns);
            float scale = 1f / rows;
            Tensor<float> logits = Values.On(arena, shape, x);
            GuardedTensor losses = Check.Guarded(arena, new Shape(rows)), again = Check.Guarded(arena, new Shape(rows)), dlogits = Check.Guarded(arena, shape);
            crossEntropy.Forward(logits, labelsOn, losses.Tensor);
            crossEntropy.ForwardBackward(logits, labelsOn, scale, again.Tensor, dlogits.Tensor);
            double[] gradient = Losses.CrossEntropyGradient(x, labels, columns, scale);
            Check.Close(Losses.CrossEntropy(x, labels, columns), losses.Read("losses"), Tolerance.Transcendental, $"cross-entropy {shape}, losses");
            Assert.Equal(losses.Read("losses"), again.Read("losses"));
            Check.Close(gradient, dlogits.Read("dlogits"), Tolerance.Transcendental, $"cross-entropy {shape}, dlogits");
            Check.CentralDifference(p => scale * Losses.CrossEntropy(p, labels, columns).Sum(), x, gradient, seed, $"cross-entropy {shape}");
            // In place.
            crossEntropy.ForwardBackward(logits, labelsOn, scale, again.Tensor, logits);
            Assert.Equal(dlogits.Read("dlogits"), logits.ToArray());
            Assert.Equal(losses.Read("losses"), again.Read("losses"));
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Label_smoothing_changes_the_gradient_alone(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var crossEntropy = new SoftmaxCrossEntropy(device);
        foreach ((int rows, int columns, int seed) in TestScope.Some(deviceName, SoftmaxTests.Shapes()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed + 350);
            var shape = new Shape(rows, columns);
            double[] x = Values.Normal(random, shape.Count, 3);
            (int[] labels, Tensor<int> labelsOn) = Labels(arena, random, rows, columns);
            float scale = 1f / rows, smoothing = seed % 2 == 0 ? 0.125f : 0.75f;
            Tensor<float> logits = Values.On(arena, shape, x);
            GuardedTensor plain = Check.Guarded(arena, new Shape(rows)), losses = Check.Guarded(arena, new Shape(rows)), dlogits = Check.Guarded(arena, shape);
            crossEntropy.Forward(logits, labelsOn, plain.Tensor);
            crossEntropy.ForwardBackward(logits, labelsOn, scale, losses.Tensor, dlogits.Tensor, smoothing);
            Assert.Equal(plain.Read("plain"), losses.Read("losses"));
            double[] gradient = Losses.SmoothedCrossEntropyGradient(x, labels, columns, scale, smoothing);
            Check.Close(gradient, dlogits.Read("dlogits"), Tolerance.Transcendental, $"smoothed cross-entropy {shape}, dlogits");
            Check.CentralDifference(p => scale * Losses.SmoothedCrossEntropy(p, labels, columns, smoothing), x, gradient, seed, $"smoothed cross-entropy {shape}");
        }
    }

    // Where the label's probability is 1 in float32 the gradient at its score is still minus the sum of the others, and the loss as much: p - 1 and log p would be 0.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Where_the_network_is_sure_gradients_and_losses_keep_their_digits(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        foreach (int columns in (int[])[2, 10, 33])
        {
            using var arena = new DeviceArena(device);
            // Scores whose differences are exact; the label leads by 1, 2, 3 ... 100.
            const int rows = 100;
            double[] x = new double[rows * columns];
            int[] labels = [.. Enumerable.Range(0, rows).Select(i => 7 * i % columns)];
            for (int i = 0; i < rows; i++)
                for (int j = 0; j < columns; j++) x[i * columns + j] = j == labels[i] ? 3 + i + 1 : 3 - (j + i) % 8 * 0.25 * ((j + columns - labels[i]) % columns == 1 ? 0 : 1);
            Tensor<int> labelsOn = arena.Allocate<int>(new Shape(rows));
            labelsOn.CopyFrom(labels);
            GuardedTensor losses = Check.Guarded(arena, new Shape(rows)), gradient = Check.Guarded(arena, new Shape(rows, columns));
            Tensor<float> logits = Values.On(arena, new Shape(rows, columns), x);
            double[] others = [.. Enumerable.Range(0, rows).Select(i => Enumerable.Range(0, columns).Where(j => j != labels[i]).Sum(j => Math.Exp(x[i * columns + j] - x[i * columns + labels[i]])))];

            new SoftmaxCrossEntropy(device).ForwardBackward(logits, labelsOn, 0.5f, losses.Tensor, gradient.Tensor);
            // (double.LogP1 adds the 1.)
            AssertDigits([.. others.Select(u => u < 1e-5 ? u * (1 - u / 2 + u * u / 3) : Math.Log(1 + u))], losses.Read("losses"), 1);
            AssertDigits(At((i, j) => 0.5 * (j == labels[i] ? -others[i] : Exponential(i, j)) / (1 + others[i])), gradient.Read("gradient"), columns);

            // The same by the two operators apart.
            var logSoftmax = new LogSoftmax(device);
            Tensor<float> logProbabilities = arena.Allocate<float>(new Shape(rows, columns)), toLogProbabilities = Values.On(arena, new Shape(rows, columns), At((i, j) => j == labels[i] ? -0.5 : 0));
            logSoftmax.Forward(logits, logProbabilities);
            logSoftmax.Backward(logProbabilities, toLogProbabilities, gradient.Tensor);
            AssertDigits(At((i, j) => 0.5 * (j == labels[i] ? -others[i] : Exponential(i, j)) / (1 + others[i])), gradient.Read("gradient"), columns);

            new ScoreObjective(device).ForwardBackward(ObjectiveKind.Probability, logits, labelsOn, 0.5f, losses.Tensor, gradient.Tensor);
            AssertDigits(At((i, j) => 0.5 * (j == labels[i] ? others[i] : -Exponential(i, j)) / (1 + others[i]) / (1 + others[i])), gradient.Read("gradient"), columns);

            double Exponential(int i, int j) => Math.Exp(x[i * columns + j] - x[i * columns + labels[i]]);
            double[] At(Func<int, int, double> value) => [.. Enumerable.Range(0, rows * columns).Select(k => value(k / columns, k % columns))];

            // A device may round the exponent's product with log2(e), and makes numbers below the smallest normal one 0; sums add a rounding for each term.
            void AssertDigits(double[] expected, float[] actual, int width)
            {
                for (int k = 0; k < expected.Length; k++)
                {
                    double lead = k / width + 3, relative = (4 * lead + 2 * columns + 16) * Tolerance.U, absolute = columns * 1.2e-38;
                    Assert.True(Math.Abs(expected[k] - actual[k]) <= relative * Math.Abs(expected[k]) + absolute, $"{columns} classes, row {k / width}, {k % width}: {actual[k]} instead of {expected[k]}");
                }
            }
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Negative_log_likelihood_and_its_gradient_match_float64(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var likelihood = new NegativeLogLikelihood(device);
        foreach ((int rows, int columns, int seed) in TestScope.Some(deviceName, SoftmaxTests.Shapes()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed + 400);
            var shape = new Shape(rows, columns);
            double[] x = Values.Normal(random, shape.Count, 3);
            (int[] labels, Tensor<int> labelsOn) = Labels(arena, random, rows, columns);
            GuardedTensor losses = Check.Guarded(arena, new Shape(rows)), dlogp = Check.Guarded(arena, shape);
            likelihood.Forward(Values.On(arena, shape, x), labelsOn, losses.Tensor);
            likelihood.Backward(labelsOn, 0.25f, dlogp.Tensor);
            double[] gradient = Losses.NegativeLogLikelihoodGradient(labels, columns, 0.25);
            Check.Close(Losses.NegativeLogLikelihood(x, labels, columns), losses.Read("losses"), Tolerance.Elementwise, $"likelihood {shape}, losses");
            Check.Close(gradient, dlogp.Read("dlogp"), Tolerance.Elementwise, $"likelihood {shape}, dlogp");
            Check.CentralDifference(p => 0.25 * Losses.NegativeLogLikelihood(p, labels, columns).Sum(), x, gradient, seed, $"likelihood {shape}");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void A_wrong_label_and_a_NaN_make_the_loss_NaN(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var arena = new DeviceArena(device);
        Tensor<float> x = Values.On(arena, new Shape(4, 2), [double.NaN, 1, 1, 2, 3, 4, 5, 6]);
        Tensor<int> labels = arena.Allocate<int>(new Shape(4));
        // A row behind each wrong label, so that a read past the row would find a number.
        labels.CopyFrom([1, -1, 2, 0]);
        Tensor<float> losses = arena.Allocate<float>(new Shape(4)), dx = arena.Allocate<float>(new Shape(4, 2));
        bool[] expected = [true, true, true, false];
        new SoftmaxCrossEntropy(device).ForwardBackward(x, labels, 1, losses, dx);
        Assert.Equal(expected, losses.ToArray().Select(float.IsNaN));
        new SoftmaxCrossEntropy(device).Forward(x, labels, losses);
        Assert.Equal(expected, losses.ToArray().Select(float.IsNaN));
        var likelihood = new NegativeLogLikelihood(device);
        likelihood.Forward(x, labels, losses);
        Assert.Equal([false, true, true, false], losses.ToArray().Select(float.IsNaN));
        likelihood.Backward(labels, 1, dx);
        Assert.Equal([0, -1, 0, 0, 0, 0, -1, 0], dx.ToArray());
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Batch_score_counts_first_largest_scores_and_sums_losses(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var score = new BatchScore(device);
        foreach ((int rows, int columns, int seed) in TestScope.Some(deviceName, SoftmaxTests.Shapes()))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(seed + 500);
            // Few different values, so that the largest is often there twice.
            double[] x = [.. Enumerable.Range(0, rows * columns).Select(_ => (double)random.Next(4))], losses = Values.Normal(random, rows);
            if (seed % 5 == 4) x[random.Next(x.Length)] = double.NaN;
            (int[] labels, Tensor<int> labelsOn) = Labels(arena, random, rows, columns);
            int hits = 0;
            for (int i = 0; i < rows; i++)
            {
                double[] row = x[(i * columns)..((i + 1) * columns)];
                if (!row.Any(double.IsNaN) && Array.IndexOf(row, row.Max()) == labels[i]) hits++;
            }
            GuardedTensor sums = Check.Guarded(arena, new Shape(3, 2));
            score.Record(Values.On(arena, new Shape(rows, columns), x), labelsOn, Values.On(arena, new Shape(rows), losses), sums.Tensor, 1);
            float[] result = sums.Read("sums");
            Check.Close([losses.Sum(), hits], result.AsSpan(2, 2), Tolerance.Sum(rows), $"score of {rows}x{columns}");
            Assert.True(float.IsNaN(result[1]) && float.IsNaN(result[4]), "another slot was written");
        }
    }

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Batch_score_is_the_same_number_on_every_device(string deviceName)
    {
        double[] losses = Values.Normal(new Random(7), 333);
        float[] Sum(string name)
        {
            Device device = TestDevices.Get(name);
            using var arena = new DeviceArena(device);
            Tensor<float> sums = arena.Allocate<float>(new Shape(1, 2));
            new BatchScore(device).Record(arena.Allocate<float>(new Shape(333, 2)), arena.Allocate<int>(new Shape(333)), Values.On(arena, new Shape(333), losses), sums, 0);
            return sums.ToArray();
        }
        Assert.Equal(Sum("cpu"), Sum(deviceName));
    }

    // 256 rows are what one group takes.
    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Loss_gradient_and_score_in_one_give_the_bits_of_the_operators_one_by_one(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var scored = new ScoredLoss(device);
        foreach ((int rows, int columns) in (ReadOnlySpan<(int, int)>)[(1, 1), (7, 10), (64, 10), (65, 3), (256, 2), (257, 2)])
        {
            using var arena = new DeviceArena(device);
            var random = new Random(rows);
            double[] scores = Values.Normal(random, rows * columns);
            if (rows == 65) scores[5] = double.NaN;
            Tensor<float> x = Values.On(arena, new Shape(rows, columns), scores), loss = arena.Allocate<float>(new Shape(rows)), dx = arena.Allocate<float>(x.Shape), sum = arena.Allocate<float>(new Shape(2, 2));
            (_, Tensor<int> labels) = Labels(arena, random, rows, columns);
            GuardedTensor losses = Check.Guarded(arena, loss.Shape), gradient = Check.Guarded(arena, x.Shape), sums = Check.Guarded(arena, sum.Shape);
            long before = device.Launches;
            scored.ForwardBackward(x, labels, 1f / rows, losses.Tensor, gradient.Tensor, sums.Tensor, 1, 0.2f);
            if (deviceName != "cpu") Assert.Equal(rows <= 256 ? 1 : 2, device.Launches - before);
            new SoftmaxCrossEntropy(device).ForwardBackward(x, labels, 1f / rows, loss, dx, 0.2f);
            new BatchScore(device).Record(x, labels, loss, sum, 1);
            Assert.Equal(loss.ToArray(), losses.Read("losses"));
            Assert.Equal(dx.ToArray(), gradient.Read("gradient"));
            Assert.Equal(sum.ToArray()[2..], sums.Read("sums")[2..]);
        }
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_refused()
    {
        Device device = TestDevices.Get("cpu");
        using var arena = new DeviceArena(device);
        Tensor<float> x = arena.Allocate<float>(new Shape(4, 3)), flat = arena.Allocate<float>(new Shape(12)), losses = arena.Allocate<float>(new Shape(4));
        Tensor<int> labels = arena.Allocate<int>(new Shape(4)), fewLabels = arena.Allocate<int>(new Shape(3));
        Assert.Throws<ArgumentException>(() => new Softmax(device).Forward(flat, flat));
        Assert.Throws<ArgumentException>(() => new LogSoftmax(device).Forward(x, flat));
        Assert.Throws<ArgumentException>(() => new SoftmaxCrossEntropy(device).Forward(x, fewLabels, losses));
        Assert.Throws<ArgumentException>(() => new SoftmaxCrossEntropy(device).ForwardBackward(x, labels, 1, losses, x, smoothing: 1));
        Assert.Throws<ArgumentException>(() => new NegativeLogLikelihood(device).Forward(x, labels, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => new BatchScore(device).Record(x, labels, losses, arena.Allocate<float>(new Shape(2, 2)), 2));
    }

    private static (int[] Labels, Tensor<int> OnDevice) Labels(DeviceArena arena, Random random, int rows, int columns)
    {
        int[] labels = [.. Enumerable.Range(0, rows).Select(_ => random.Next(columns))];
        Tensor<int> tensor = arena.Allocate<int>(new Shape(rows));
        tensor.CopyFrom(labels);
        return (labels, tensor);
    }
}

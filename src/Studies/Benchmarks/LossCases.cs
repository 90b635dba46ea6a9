using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>What turns scores into probabilities, losses and hits.</summary>
internal static class LossCases
{
    public static IEnumerable<KernelCase> Of(int batch, int classes)
    {
        string group = $"loss: {classes} classes, batch {batch}";
        long scores = (long)batch * classes;
        // Each score: largest, difference, exponential, sum, division; for the gradient one more.
        return
        [
            new(group, "softmax cross-entropy", 6 * scores, sizeof(float) * (2 * scores + 2 * batch), arena => CrossEntropy(arena, batch, classes)),
            new(group, "softmax", 5 * scores, 2 * sizeof(float) * scores, arena => Probabilities(arena, batch, classes)),
            new(group, "log-softmax", 5 * scores, 2 * sizeof(float) * scores, arena => LogProbabilities(arena, batch, classes)),
            new(group, "score", scores, sizeof(float) * (scores + 2 * batch + 2), arena => Score(arena, batch, classes)),
        ];
    }

    private static PreparedKernel CrossEntropy(DeviceArena arena, int batch, int classes)
    {
        var loss = new SoftmaxCrossEntropy(arena.Device);
        Operand x = Operand.Random(arena, new Shape(batch, classes));
        (Tensor<int> labels, int[] truth) = Operand.Integers(arena, batch, classes);
        Tensor<float> losses = Operand.Result(arena, new Shape(batch)), dx = Operand.Result(arena, x.Tensor.Shape);
        return new(
            () => loss.ForwardBackward(x.Tensor, labels, 1f / batch, losses, dx),
            new SampledOutput("the losses", losses, i => ReferenceSum.Of(Math.Log(Exponentials(x, i, classes)), -x[i * classes + truth[i]])),
            new SampledOutput("dx", dx, i => ReferenceSum.Of(Math.Exp(x[i]) / Exponentials(x, i / classes, classes) / batch, i % classes == truth[i / classes] ? -1.0 / batch : 0)));
    }

    private static PreparedKernel Probabilities(DeviceArena arena, int batch, int classes)
    {
        var softmax = new Softmax(arena.Device);
        Operand x = Operand.Random(arena, new Shape(batch, classes));
        Tensor<float> y = Operand.Result(arena, x.Tensor.Shape);
        return new(() => softmax.Forward(x.Tensor, y), new SampledOutput("y", y, i => ReferenceSum.Of(Math.Exp(x[i]) / Exponentials(x, i / classes, classes))));
    }

    private static PreparedKernel LogProbabilities(DeviceArena arena, int batch, int classes)
    {
        var softmax = new LogSoftmax(arena.Device);
        Operand x = Operand.Random(arena, new Shape(batch, classes));
        Tensor<float> y = Operand.Result(arena, x.Tensor.Shape);
        return new(() => softmax.Forward(x.Tensor, y), new SampledOutput("y", y, i => ReferenceSum.Of(x[i], -Math.Log(Exponentials(x, i / classes, classes)))));
    }

    private static PreparedKernel Score(DeviceArena arena, int batch, int classes)
    {
        var score = new BatchScore(arena.Device);
        Operand x = Operand.Random(arena, new Shape(batch, classes), 1), losses = Operand.Positive(arena, new Shape(batch), 2);
        (Tensor<int> labels, int[] truth) = Operand.Integers(arena, batch, classes);
        Tensor<float> sums = Operand.Result(arena, new Shape(1, 2));
        return new(() => score.Record(x.Tensor, labels, losses.Tensor, sums, 0), new SampledOutput("the sums", sums, which =>
            ReferenceSum.Over(batch, i => which == 0 ? losses[i] : Enumerable.Range(0, classes).MaxBy(c => x[i * classes + c]) == truth[i] ? 1 : 0)));
    }

    private static double Exponentials(Operand x, int row, int classes) => ReferenceSum.Over(classes, c => Math.Exp(x[row * classes + c])).Value;
}

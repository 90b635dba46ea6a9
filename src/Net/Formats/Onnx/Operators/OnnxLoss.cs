using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary><c>Softmax</c>, <c>LogSoftmax</c>, <c>NegativeLogLikelihoodLoss</c> and <c>SoftmaxCrossEntropyLoss</c>.</summary>
internal static class OnnxLoss
{
    public static void Softmax(OnnxCall call) => AlongAxis(call, new Softmax(call.Device).Forward);

    public static void LogSoftmax(OnnxCall call) => AlongAxis(call, new LogSoftmax(call.Device).Forward);

    public static void NegativeLogLikelihoodLoss(OnnxCall call) => Loss(call, call.Float(0));

    public static void SoftmaxCrossEntropyLoss(OnnxCall call)
    {
        OnnxValue scores = call.Float(0);
        if (scores.Shape.Length < 2) throw call.Malformed($"takes scores (N, C, ...), not {OnnxArray.TextOf(scores.Shape)}");
        OnnxValue logProbabilities = AlongDimension(call, scores, 1, new LogSoftmax(call.Device).Forward);
        Loss(call, logProbabilities);
        call.Set(1, logProbabilities);
    }

    // From opset 13 along one dimension, by default the last; before, of the whole value seen as a matrix of what is before and what follows from an axis on, by default 1.
    private static void AlongAxis(OnnxCall call, Action<Tensor<float>, Tensor<float>> rows)
    {
        OnnxValue x = call.Float(0);
        if (call.Opset >= 13)
        {
            int axis = call.Axis(call.Int("axis", -1), Math.Max(1, x.Shape.Length));
            call.Set(0, x.Shape.Length == 0 ? AlongDimension(call, x.Reshape([1]), 0, rows).Reshape([]) : AlongDimension(call, x, axis, rows));
            return;
        }
        int start = call.Axis(call.Int("axis", 1), x.Shape.Length, end: true);
        int outer = x.Shape[..start].Aggregate(1, (count, size) => count * size);
        Tensor<float> y = call.Run.Allocate<float>(x.Shape);
        if (y.Count > 0) rows(x.Floats.Reshape(new Shape(outer, x.Count / outer)), y.Reshape(new Shape(outer, x.Count / outer)));
        call.Set(0, x.Type, x.Shape, y);
    }

    private static OnnxValue AlongDimension(OnnxCall call, OnnxValue x, int axis, Action<Tensor<float>, Tensor<float>> rows)
    {
        int size = x.Shape[axis], inner = x.Shape[(axis + 1)..].Aggregate(1, (count, s) => count * s);
        Tensor<float> y = call.Run.Allocate<float>(x.Shape);
        if (y.Count == 0) return new OnnxValue(call.Run, x.Type, x.Shape, y);
        var matrix = new Shape(x.Count / size, size);
        if (inner == 1)
        {
            rows(x.Floats.Reshape(matrix), y.Reshape(matrix));
            return new OnnxValue(call.Run, x.Type, x.Shape, y);
        }
        // The dimension goes last and back again.
        int outer = x.Count / (size * inner);
        OnnxValue turned = OnnxGrid.Transpose(call, x.Reshape([outer, size, inner]), [0, 2, 1]);
        rows(turned.Floats.Reshape(matrix), y.Reshape(matrix));
        return OnnxGrid.Transpose(call, new OnnxValue(call.Run, x.Type, [outer, inner, size], y), [0, 2, 1]).Reshape(x.Shape);
    }

    private static void Loss(OnnxCall call, OnnxValue logProbabilities)
    {
        int[] shape = logProbabilities.Shape;
        OnnxValue labels = call.Input(1);
        if (shape.Length < 2 || labels.IsFloat || !labels.Shape.AsSpan().SequenceEqual([shape[0], .. shape[2..]]))
            throw call.Malformed($"takes (N, C, d1, ...) and integers (N, d1, ...), not {OnnxArray.TextOf(shape)} and {labels.Type} {OnnxArray.TextOf(labels.Shape)}");
        string reduction = call.Text("reduction", "mean");
        if (reduction is not ("mean" or "sum" or "none")) throw call.Malformed($"has reduction '{reduction}'");
        long? ignored = call.Has("ignore_index") ? call.Int("ignore_index", 0) : null;
        OnnxValue? given = call.Optional(2) is null ? null : call.Float(2);
        if (given is not null && given.Count != shape[1]) throw call.Malformed($"has {given.Count} weights for {shape[1]} classes");
        if (labels.Count == 0) throw call.Unsupported("of an empty batch");
        int places = labels.Count / shape[0];
        Tensor<float> weights = given?.Floats ?? Ones(call, shape[1]);
        Tensor<float> losses = call.Run.Allocate<float>(labels.Shape), labelWeights = call.Run.Allocate<float>(labels.Shape);
        var loss = new WeightedNegativeLogLikelihood(call.Device);
        var each = new Shape(shape[0], places);
        loss.Forward(logProbabilities.Floats.Reshape(new Shape(shape[0], shape[1], places)), labels.Integers.Reshape(each), weights, ignored, losses.Reshape(each), labelWeights.Reshape(each));
        if (reduction is "none")
        {
            call.Set(0, logProbabilities.Type, labels.Shape, losses);
            return;
        }
        var sum = new Sum(call.Run.Arena, labels.Count);
        Tensor<float> total = call.Run.Allocate<float>(1);
        sum.Total(losses, total);
        if (reduction is "mean")
        {
            Tensor<float> weight = call.Run.Allocate<float>(1);
            sum.Total(labelWeights, weight);
            call.Run.Elementwise.Divide(total, weight, total);
        }
        call.Set(0, logProbabilities.Type, [], total);
    }

    private static Tensor<float> Ones(OnnxCall call, int count)
    {
        Tensor<float> ones = call.Run.Allocate<float>(count);
        call.Run.Elementwise.Fill(ones, 1);
        return ones;
    }
}

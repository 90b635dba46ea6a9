using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary><c>BatchNormalization</c>, in inference and training, of every opset from 6.</summary>
internal static class OnnxNormalization
{
    public static void BatchNormalization(OnnxCall call)
    {
        OnnxValue x = call.Float(0);
        int rank = x.Shape.Length;
        if (rank < 2) throw call.Malformed($"takes (N, C, ...), not {OnnxArray.TextOf(x.Shape)}");
        // Which mode was said otherwise in each time: by an attribute, by the number of outputs, by another attribute.
        bool training = call.Opset >= 14 ? call.Int("training_mode", 0) != 0
            : call.Opset < 7 ? call.Int("is_test", 0) == 0
            : Enumerable.Range(1, 4).Any(call.Wants);
        // Until opset 8 each activation could have statistics of its own.
        bool perActivation = call.Opset < 9 && call.Int("spatial", 1) == 0;
        float epsilon = call.Number("epsilon", 1e-5f), momentum = call.Number("momentum", 0.9f);
        int batch = x.Shape[0];
        int each = batch == 0 ? 0 : x.Count / batch, channels = perActivation ? each : x.Shape[1];
        if (x.Count == 0) throw call.Malformed($"has nothing to normalise in {OnnxArray.TextOf(x.Shape)}");
        int pixels = each / channels;
        Tensor<float>[] perChannel = [.. Enumerable.Range(1, 4).Select(i => call.Float(i).Floats)];
        if (perChannel.Any(t => t.Count != channels)) throw call.Malformed($"needs {channels} scales, shifts, means and variances, not {string.Join(", ", perChannel.Select(t => t.Count))}");
        (Tensor<float> scale, Tensor<float> shift, Tensor<float> mean, Tensor<float> variance) = (perChannel[0], perChannel[1], perChannel[2], perChannel[3]);
        var shape = new Shape(batch, channels, 1, pixels);
        Tensor<float> y = call.Run.Allocate<float>(x.Shape), images = x.Floats.Reshape(shape), result = y.Reshape(shape);
        if (!training) new BatchNormalization(call.Run.Arena, channels, batch, pixels, epsilon).ForwardInference(images, scale, shift, mean, variance, result);
        else
        {
            // ONNX's momentum is the weight of the old statistics, and its running variance takes the batch's as it is.
            (mean, variance) = (Copied(call, mean), Copied(call, variance));
            Train(1 - momentum, mean, variance);
            OnnxType type = call.Input(3).Type;
            int[] statistics = call.Input(3).Shape;
            call.Set(1, type, statistics, mean);
            call.Set(2, type, statistics, variance);
            if (call.Wants(3) || call.Wants(4))
            {
                (Tensor<float> batchMean, Tensor<float> batchVariance) = (call.Run.Allocate<float>(channels), call.Run.Allocate<float>(channels));
                Train(1, batchMean, batchVariance);
                call.Set(3, type, statistics, batchMean);
                call.Set(4, type, statistics, batchVariance);
            }
        }
        call.Set(0, x.Type, x.Shape, y);

        void Train(float weight, Tensor<float> runningMean, Tensor<float> runningVariance) =>
            new BatchNormalization(call.Run.Arena, channels, batch, pixels, epsilon, weight, unbiased: false)
                .ForwardTraining(images, scale, shift, runningMean, runningVariance, result, call.Run.Allocate<float>(channels), call.Run.Allocate<float>(channels));
    }

    private static Tensor<float> Copied(OnnxCall call, Tensor<float> values)
    {
        Tensor<float> copy = call.Run.Allocate<float>(values.Count);
        copy.CopyFrom(values);
        return copy;
    }
}

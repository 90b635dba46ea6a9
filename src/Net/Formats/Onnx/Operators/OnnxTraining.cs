using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary><c>Adam</c> and <c>Momentum</c> of <c>ai.onnx.preview.training</c>: a step of any number of parameters, each with its gradient and state.</summary>
internal static class OnnxTraining
{
    public static void Adam(OnnxCall call)
    {
        var adam = new Adam(call.Device, new AdamOptions
        {
            Beta1 = call.Number("alpha", 0.9f),
            Beta2 = call.Number("beta", 0.999f),
            Epsilon = call.Number("epsilon", 1e-6f),
            WeightDecay = call.Number("norm_coefficient", 0),
        });
        float after = call.Number("norm_coefficient_post", 0);
        (float rate, long step, int count) = Step(call, states: 2);
        for (int i = 0; i < count; i++)
        {
            OnnxValue x = call.Float(2 + i);
            Tensor<float> w = Copied(call, 2 + i, x), m = Copied(call, 2 + 2 * count + i, x), v = Copied(call, 2 + 3 * count + i, x);
            adam.StepWithCorrectedRate(w, Gradient(call, 2 + count + i, x), m, v, rate, step);
            if (after != 0) call.Run.Elementwise.Scale(w, 1 - after, w);
            call.Set(i, x.Type, x.Shape, w);
            call.Set(count + i, x.Type, x.Shape, m);
            call.Set(2 * count + i, x.Type, x.Shape, v);
        }
    }

    public static void Momentum(OnnxCall call)
    {
        // All four are required by the definition; what is not there is taken as what changes nothing.
        float alpha = call.Number("alpha", 0), beta = call.Number("beta", 1), decay = call.Number("norm_coefficient", 0);
        string mode = call.Text("mode", "standard");
        if (mode is not ("standard" or "nesterov")) throw call.Malformed($"has mode '{mode}'");
        (float rate, long step, int count) = Step(call, states: 1);
        // Nesterov's step without momentum is a plain one; the velocity is kept all the same.
        bool plain = mode is "nesterov" && alpha == 0;
        var sgd = new Sgd(call.Device, new SgdOptions { Momentum = alpha, Nesterov = mode is "nesterov" && !plain, WeightDecay = decay });
        for (int i = 0; i < count; i++)
        {
            OnnxValue x = call.Float(2 + i);
            Tensor<float> w = Copied(call, 2 + i, x), v = Copied(call, 2 + 2 * count + i, x), g = Gradient(call, 2 + count + i, x);
            // The first gradient is taken whole.
            sgd.StepWithGain(plain ? Copied(call, 2 + i, x) : w, g, v, rate, step > 0 ? beta : 1);
            if (plain) sgd.Step(w, g, null, rate, firstStep: true);
            call.Set(i, x.Type, x.Shape, w);
            call.Set(count + i, x.Type, x.Shape, v);
        }
    }

    // The inputs are the rate, the step's number, then all parameters, all gradients, and all states of each kind.
    private static (float Rate, long Step, int Count) Step(OnnxCall call, int states)
    {
        OnnxValue rate = call.Float(0), step = call.Input(1);
        if (rate.Count != 1 || step.Count != 1 || step.Type != OnnxType.Int64) throw call.Malformed("needs a rate and a number of the step");
        int each = 2 + states, count = (call.InputCount - 2) / each;
        if (count < 1 || 2 + count * each != call.InputCount) throw call.Malformed($"has {call.InputCount} inputs, which is not 2 and {each} for each parameter");
        return (rate.ToArray().Floats[0], step.ToArray().Integers[0], count);
    }

    private static Tensor<float> Gradient(OnnxCall call, int input, OnnxValue like)
    {
        OnnxValue value = call.Float(input);
        return value.Shape.AsSpan().SequenceEqual(like.Shape) ? value.Floats : throw call.Malformed($"has {OnnxArray.TextOf(value.Shape)} as input {input}, and {OnnxArray.TextOf(like.Shape)} as its parameter");
    }

    private static Tensor<float> Copied(OnnxCall call, int input, OnnxValue like)
    {
        Tensor<float> copy = call.Run.Allocate<float>(like.Shape);
        copy.CopyFrom(Gradient(call, input, like));
        return copy;
    }
}

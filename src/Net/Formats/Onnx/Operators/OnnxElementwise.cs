using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>What works element by element: activations, <c>Clip</c>, <c>Add</c>, <c>Sub</c>, <c>Mul</c>, <c>Div</c>, <c>Dropout</c>.</summary>
internal static class OnnxElementwise
{
    public static void Relu(OnnxCall call)
    {
        OnnxValue x = call.Input(0);
        if (x.IsFloat) Activate(call, Activation.Relu(call.Device));
        else if (x.Type is OnnxType.Int8 or OnnxType.Int16 or OnnxType.Int32 or OnnxType.Int64) ClipIntegers(call, x, 0, long.MaxValue);
        else throw call.Unsupported($"of {x.Type}");
    }

    public static void LeakyRelu(OnnxCall call) => Activate(call, Activation.LeakyRelu(call.Device, call.Number("alpha", 0.01f)));

    public static void Sigmoid(OnnxCall call) => Activate(call, Activation.Sigmoid(call.Device));

    public static void Tanh(OnnxCall call) => Activate(call, Activation.Tanh(call.Device));

    /// <summary>The bounds are attributes until opset 10, then inputs that may be left out.</summary>
    public static void Clip(OnnxCall call)
    {
        OnnxValue x = call.Input(0);
        bool byInput = call.Opset >= 11;
        if (!x.IsFloat)
        {
            (long least, long most) = OnnxArray.Range(x.Type);
            // All bits are the largest unsigned integer, none the smallest.
            if (x.Type is OnnxType.UInt64) (least, most) = (0, -1);
            if (x.Type is OnnxType.Bool || !byInput) throw call.Unsupported($"of {x.Type}");
            ClipIntegers(call, x, Bound(1)?.Integers[0] ?? least, Bound(2)?.Integers[0] ?? most);
            return;
        }
        float low = byInput ? Bound(1)?.Floats[0] ?? float.NegativeInfinity : call.Number("min", float.NegativeInfinity);
        float high = byInput ? Bound(2)?.Floats[0] ?? float.PositiveInfinity : call.Number("max", float.PositiveInfinity);
        Activate(call, Activation.Clip(call.Device, low, high));

        OnnxArray? Bound(int i) => call.Optional(i) is not { } bound ? null
            : bound.Count == 1 && bound.IsFloat == x.IsFloat ? bound.ToArray()
            : throw call.Malformed($"has bounds of {bound.Type} {OnnxArray.TextOf(bound.Shape)} for {x.Type}");
    }

    public static void Add(OnnxCall call)
    {
        OnnxValue a = call.Input(0), b = call.Input(1);
        if (a.Type != b.Type) throw call.Malformed($"adds {a.Type} and {b.Type}");
        if (call.Opset < 7) b = OldBroadcast(call, a.Shape, b);
        int[] shape = OnnxGrid.Common(call, a.Shape, b.Shape);
        (a, b) = (OnnxGrid.Broadcast(call, a, shape), OnnxGrid.Broadcast(call, b, shape));
        if (a.IsFloat)
        {
            Tensor<float> sum = call.Run.Allocate<float>(shape);
            call.Run.Elementwise.Add(a.Floats, b.Floats, sum);
            call.Set(0, a.Type, shape, sum);
            return;
        }
        if (a.Type is OnnxType.Bool) throw call.Unsupported("of Bool");
        Tensor<long> integers = call.Run.Allocate<long>(shape);
        bool isSigned = a.Type is OnnxType.Int8 or OnnxType.Int16 or OnnxType.Int32 or OnnxType.Int64;
        call.Run.Integers.Add(a.Integers, b.Integers, integers, 8 * OnnxArray.ElementSize(a.Type, call.File), isSigned);
        call.Set(0, a.Type, shape, integers);
    }

    // a + -1 b is a - b to the bit.
    public static void Sub(OnnxCall call) => OfFloats(call, (a, b, y) => call.Run.Elementwise.AddScaled(a, -1, b, y));

    public static void Mul(OnnxCall call) => OfFloats(call, call.Run.Elementwise.Multiply);

    public static void Div(OnnxCall call) => OfFloats(call, call.Run.Elementwise.Divide);

    private static void OfFloats(OnnxCall call, Action<Tensor<float>, Tensor<float>, Tensor<float>> operation)
    {
        OnnxValue a = call.Float(0), b = call.Float(1);
        if (a.Type != b.Type) throw call.Malformed($"takes {a.Type} and {b.Type}");
        if (call.Opset < 7) b = OldBroadcast(call, a.Shape, b);
        int[] shape = OnnxGrid.Common(call, a.Shape, b.Shape);
        Tensor<float> y = call.Run.Allocate<float>(shape);
        operation(OnnxGrid.Broadcast(call, a, shape).Floats, OnnxGrid.Broadcast(call, b, shape).Floats, y);
        call.Set(0, a.Type, shape, y);
    }

    /// <summary>The second value of an operator of opset 6, whose dimensions follow those of the first from an axis on.</summary>
    public static OnnxValue OldBroadcast(OnnxCall call, int[] a, OnnxValue b)
    {
        bool broadcast = call.Int("broadcast", 0) != 0;
        long axis = call.Int("axis", -1);
        if (!broadcast && !a.AsSpan().SequenceEqual(b.Shape)) throw call.Malformed($"takes {OnnxArray.TextOf(a)} and {OnnxArray.TextOf(b.Shape)} without broadcasting");
        if (!broadcast || !call.Has("axis")) return b;
        int after = a.Length - call.Axis(axis, a.Length) - b.Shape.Length;
        if (after < 0) throw call.Malformed($"broadcasts {OnnxArray.TextOf(b.Shape)} from axis {axis} of {OnnxArray.TextOf(a)}");
        return b.Reshape([.. b.Shape, .. Enumerable.Repeat(1, after)]);
    }

    /// <summary>Until opset 6 <c>is_test</c> said the mode, then there was inference alone, and from opset 12 an input says it.</summary>
    public static void Dropout(OnnxCall call)
    {
        OnnxValue x = call.Float(0);
        float ratio = 0.5f;
        bool training = false;
        long seed = 0;
        if (call.Opset < 12)
        {
            ratio = call.Number("ratio", ratio);
            if (call.Opset < 7) training = call.Int("is_test", 0) == 0;
            // Written by some exporters of that time.
            else if (call.Has("seed")) seed = call.Int("seed", 0);
        }
        else
        {
            seed = call.Int("seed", 0);
            if (call.Optional(1) is { } given) ratio = given.IsFloat && given.Count == 1 ? given.ToArray().Floats[0] : throw call.Malformed("has a ratio that is no single number");
            if (call.Optional(2) is { } mode) training = mode.Type is OnnxType.Bool && mode.Count == 1 ? mode.ToArray().Integers[0] != 0 : throw call.Malformed("has a training_mode that is no truth value");
        }
        if (!(ratio is >= 0 and < 1)) throw call.Malformed($"has ratio {ratio}, which is not from 0 to below 1");
        var mask = new long[x.Count];
        Array.Fill(mask, 1);
        if (!training || ratio == 0) call.Set(0, x);
        else
        {
            var random = new MersenneTwister((uint)seed);
            for (int i = 0; i < mask.Length; i++) mask[i] = random.NextDouble() >= ratio ? 1 : 0;
            float scale = (float)(1 / (1 - (double)ratio));
            Tensor<float> factors = call.Run.Allocate<float>(x.Shape), y = call.Run.Allocate<float>(x.Shape);
            factors.CopyFrom(Array.ConvertAll(mask, kept => kept * scale));
            call.Run.Elementwise.Multiply(x.Floats, factors, y);
            call.Set(0, x.Type, x.Shape, y);
        }
        // The mask had the data's type before it became one of truth values.
        if (call.Wants(1)) call.Set(1, new OnnxValue(call.Run, call.Opset >= 10 ? new OnnxArray(OnnxType.Bool, x.Shape, mask) : OnnxArray.Of(x.Type, x.Shape, Array.ConvertAll(mask, v => (float)v), [])));
    }

    private static void Activate(OnnxCall call, Activation activation)
    {
        OnnxValue x = call.Float(0);
        Tensor<float> y = call.Run.Allocate<float>(x.Shape);
        activation.Forward(x.Floats, y);
        call.Set(0, x.Type, x.Shape, y);
    }

    private static void ClipIntegers(OnnxCall call, OnnxValue x, long low, long high)
    {
        Tensor<long> y = call.Run.Allocate<long>(x.Shape);
        call.Run.Integers.Clip(x.Integers, low, high, y, x.Type is OnnxType.UInt64);
        call.Set(0, x.Type, x.Shape, y);
    }
}

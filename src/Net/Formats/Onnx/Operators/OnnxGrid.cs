using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Values brought into another order or size: transposed, broadcast, cut and padded. One <see cref="StridedCopy"/> each.</summary>
internal static class OnnxGrid
{
    /// <summary>Elements from one index of each dimension to the next, row-major.</summary>
    public static int[] Strides(ReadOnlySpan<int> shape)
    {
        var strides = new int[shape.Length];
        int stride = 1;
        for (int i = shape.Length - 1; i >= 0; i--) (strides[i], stride) = (stride, stride * shape[i]);
        return strides;
    }

    /// <summary>The dimensions in another order: the result's dimension i is the value's order[i].</summary>
    public static OnnxValue Transpose(OnnxCall call, OnnxValue x, int[] order)
    {
        int[] shape = [.. order.Select(d => x.Shape[d])], strides = Strides(x.Shape);
        return Gathered(call, x, shape, [.. order.Select(d => strides[d])]);
    }

    /// <summary>A value repeated along the dimensions in which it has size 1, or none, until it has a shape (numpy's broadcasting).</summary>
    public static OnnxValue Broadcast(OnnxCall call, OnnxValue x, int[] shape)
    {
        if (x.Shape.AsSpan().SequenceEqual(shape)) return x;
        int[] strides = Strides(x.Shape), from = new int[shape.Length];
        int missing = shape.Length - x.Shape.Length;
        if (missing < 0) throw call.Malformed($"cannot broadcast {OnnxArray.TextOf(x.Shape)} to {OnnxArray.TextOf(shape)}");
        for (int i = 0; i < x.Shape.Length; i++)
        {
            if (x.Shape[i] != shape[missing + i] && x.Shape[i] != 1) throw call.Malformed($"cannot broadcast {OnnxArray.TextOf(x.Shape)} to {OnnxArray.TextOf(shape)}");
            from[missing + i] = x.Shape[i] == 1 ? 0 : strides[i];
        }
        return Gathered(call, x, shape, from);
    }

    /// <summary>The shape that two values have in common when each is repeated where it has size 1.</summary>
    public static int[] Common(OnnxCall call, int[] a, int[] b)
    {
        var shape = new int[Math.Max(a.Length, b.Length)];
        for (int i = 0; i < shape.Length; i++)
        {
            int fromEnd = shape.Length - i, sizeA = fromEnd > a.Length ? 1 : a[^fromEnd], sizeB = fromEnd > b.Length ? 1 : b[^fromEnd];
            if (sizeA != sizeB && sizeA != 1 && sizeB != 1) throw call.Malformed($"cannot broadcast {OnnxArray.TextOf(a)} and {OnnxArray.TextOf(b)} to one shape");
            shape[i] = sizeA == 1 ? sizeB : sizeA;
        }
        return shape;
    }

    private static OnnxValue Gathered(OnnxCall call, OnnxValue x, int[] shape, int[] from)
    {
        int[] to = Strides(shape);
        if (x.IsFloat)
        {
            Tensor<float> y = call.Run.Allocate<float>(shape);
            if (y.Count > 0) call.Run.Copy.Copy(x.Floats, y, shape, from, to);
            return new OnnxValue(call.Run, x.Type, shape, y);
        }
        Tensor<long> integers = call.Run.Allocate<long>(shape);
        if (integers.Count > 0) call.Run.Copy.Copy(x.Integers, integers, shape, from, to);
        return new OnnxValue(call.Run, x.Type, shape, integers);
    }
}

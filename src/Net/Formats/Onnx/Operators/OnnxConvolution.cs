using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary><c>Conv</c> in one, two and three dimensions.</summary>
internal static class OnnxConvolution
{
    public static void Conv(OnnxCall call)
    {
        OnnxValue x = call.Float(0), w = call.Float(1);
        int rank = x.Shape.Length - 2;
        if (rank is < 1 or > 3 || w.Shape.Length != x.Shape.Length) throw call.Unsupported($"of {OnnxArray.TextOf(x.Shape)} with weights of {OnnxArray.TextOf(w.Shape)}");
        long groups = call.Int("group", 1);
        if (groups < 1 || groups > int.MaxValue || w.Shape[1] * groups != x.Shape[1]) throw call.Malformed($"has {groups} groups, {x.Shape[1]} channels, and weights of {OnnxArray.TextOf(w.Shape)}");
        OnnxWindow window = OnnxWindow.Read(call, x.Shape.AsSpan(2), w.Shape[2..]);
        OnnxValue? bias = call.Optional(2) is null ? null : call.Float(2);
        if (bias is not null && bias.Count != w.Shape[0]) throw call.Malformed($"has a bias of {bias.Count} for {w.Shape[0]} channels");
        if (rank == 3) Volume(call, x, w, bias, window, (int)groups);
        else
        {
            Tensor<float> y = Images(call, x, w, bias, Shape(x.Shape, w.Shape, window, (int)groups));
            int[] pooled = y.Shape.ToArray();
            call.Set(0, x.Type, rank == 1 ? [pooled[0], pooled[1], pooled[3]] : pooled, y.Reshape(new Shape(y.Count)));
        }
    }

    private static Conv2DShape Shape(int[] x, int[] w, OnnxWindow window, int groups)
    {
        OnnxWindow plane = window.Plane();
        return new Conv2DShape
        {
            InChannels = x[1],
            InHeight = x.Length == 3 ? 1 : x[^2],
            InWidth = x[^1],
            OutChannels = w[0],
            KernelHeight = plane.Kernel[0],
            KernelWidth = plane.Kernel[1],
            StrideHeight = plane.Strides[0],
            StrideWidth = plane.Strides[1],
            DilationHeight = plane.Dilations[0],
            DilationWidth = plane.Dilations[1],
            PadTop = plane.Begin[0],
            PadBottom = plane.End[0],
            PadLeft = plane.Begin[1],
            PadRight = plane.End[1],
            Groups = groups,
        };
    }

    private static Tensor<float> Images(OnnxCall call, OnnxValue x, OnnxValue w, OnnxValue? bias, Conv2DShape shape)
    {
        shape.Validate();
        int batch = x.Shape[0];
        Tensor<float> y = call.Run.Allocate<float>(batch, shape.OutChannels, shape.OutHeight, shape.OutWidth).Reshape(shape.Output.Prepend(batch));
        if (y.Count == 0) return y;
        new Conv2D(call.Run.Arena, shape, batch).Forward(x.Floats.Reshape(shape.Input.Prepend(batch)), w.Floats.Reshape(shape.Weights), bias?.Floats, y);
        return y;
    }

    /// <summary>
    /// Three dimensions by two: each output slice is the convolution of an image whose channels are the input's channels and the slices under the kernel. Channel
    /// c and slice r of the kernel lie in the weights as channel c D + r would.
    /// </summary>
    private static void Volume(OnnxCall call, OnnxValue x, OnnxValue w, OnnxValue? bias, OnnxWindow window, int groups)
    {
        (int batch, int channels, int depth, int height, int width) = (x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3], x.Shape[4]);
        int kernel = w.Shape[2], stride = window.Strides[0], dilation = window.Dilations[0], before = window.Begin[0];
        int room = depth + before + window.End[0] - dilation * (kernel - 1) - 1;
        if (room < 0) throw call.Malformed($"has a kernel of depth {dilation * (kernel - 1) + 1}, and a padded input of {depth + before + window.End[0]}");
        int outputs = room / stride + 1;
        int[] gathered = [batch, outputs, channels, kernel, height, width];
        Tensor<float> slices = call.Run.Allocate<float>(gathered);
        int[] from = OnnxGrid.Strides(x.Shape), to = OnnxGrid.Strides(gathered);
        for (int r = 0; r < kernel; r++)
        {
            // The outputs whose slice under kernel element r lies inside; the others stay zero.
            int offset = r * dilation - before;
            int first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
            int last = Math.Min(outputs - 1, depth - 1 - offset < 0 ? -1 : (depth - 1 - offset) / stride);
            if (last < first || slices.Count == 0) continue;
            call.Run.Copy.Copy(x.Floats, slices, [batch, last - first + 1, channels, height, width], [from[0], from[2] * stride, from[1], from[3], from[4]], [to[0], to[1], to[2], to[4], to[5]],
                fromStart: (first * stride + offset) * from[2], toStart: first * to[1] + r * to[3]);
        }
        var images = new OnnxValue(call.Run, x.Type, [batch * outputs, channels * kernel, height, width], slices);
        OnnxValue weights = w.Reshape([w.Shape[0], w.Shape[1] * kernel, w.Shape[3], w.Shape[4]]);
        Tensor<float> y = Images(call, images, weights, bias, Shape(images.Shape, weights.Shape, window, groups));
        var bySlice = new OnnxValue(call.Run, x.Type, [batch, outputs, w.Shape[0], y.Shape[2], y.Shape[3]], y.Reshape(new Shape(y.Count)));
        call.Set(0, OnnxGrid.Transpose(call, bySlice, [0, 2, 1, 3, 4]));
    }
}

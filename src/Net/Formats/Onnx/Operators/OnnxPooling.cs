using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// <c>MaxPool</c>, <c>AveragePool</c> and their global forms. One dimension is an image of height 1. Three are pooled in two steps, within the slices and
/// across them: a maximum of maxima, a mean of means (each window counts as many elements as its sides' product, so both steps have equal weights).
/// </summary>
internal static class OnnxPooling
{
    public static void MaxPool(OnnxCall call)
    {
        OnnxValue x = Pooled(call);
        bool byColumns = call.Int("storage_order", 0) == 1;
        bool wantsIndices = call.Wants(1);
        (OnnxWindow window, bool ceil) = Window(call, x);
        if (wantsIndices && x.Shape.Length == 5) throw call.Unsupported("with positions in three dimensions");
        Tensor<float> values = x.IsFloat ? x.Floats : AsFloats(call, x);
        int[] shape = x.Shape;
        if (shape.Length == 5)
        {
            (values, shape) = Step(call, values, shape, 2, window, ceil, Maximum);
            (values, shape) = Step(call, values, shape, 1, window, ceil, Maximum);
        }
        else if (wantsIndices)
        {
            Pool2DShape pool = Shape(shape, window, ceil, 2);
            pool.Validate();
            (Tensor<float> y, int[] pooled) = Output(call, shape, pool, 2);
            Tensor<int> argmax = call.Run.Allocate<int>(pooled).Reshape(y.Shape);
            Tensor<long> indices = call.Run.Allocate<long>(pooled);
            if (y.Count > 0)
            {
                new MaxPool2D(call.Device, pool).Forward(values.Reshape(pool.Input.Prepend(shape[0])), y, argmax);
                // In one dimension rows and columns are the same.
                new PlaneIndices(call.Device).Forward(argmax, pool.InHeight, pool.InWidth, byColumns, indices.Reshape(argmax.Shape));
            }
            call.Set(1, OnnxType.Int64, pooled, indices);
            (values, shape) = (y.Reshape(new Shape(y.Count)), pooled);
        }
        else (values, shape) = Step(call, values, shape, 2, window, ceil, Maximum);
        if (x.IsFloat) call.Set(0, x.Type, shape, values);
        else
        {
            Tensor<long> integers = call.Run.Allocate<long>(shape);
            call.Run.Integers.FromFloat(values, integers);
            call.Set(0, x.Type, shape, integers);
        }

        void Maximum(Pool2DShape pool, Tensor<float> from, Tensor<float> to) => new MaxPool2D(call.Device, pool).ForwardOnly(from, to);
    }

    public static void AveragePool(OnnxCall call)
    {
        OnnxValue x = Pooled(call);
        if (!x.IsFloat) throw call.Unsupported($"of {x.Type}");
        bool countPadding = call.Int("count_include_pad", 0) != 0;
        (OnnxWindow window, bool ceil) = Window(call, x);
        (Tensor<float> values, int[] shape) = (x.Floats, x.Shape);
        (values, shape) = Step(call, values, shape, 2, window, ceil, Mean);
        if (shape.Length == 5) (values, shape) = Step(call, values, shape, 1, window, ceil, Mean);
        call.Set(0, x.Type, shape, values);

        void Mean(Pool2DShape pool, Tensor<float> from, Tensor<float> to) => new AveragePool2D(call.Device, pool, countPadding).Forward(from, to);
    }

    public static void GlobalAveragePool(OnnxCall call) => Global(call, (x, y) => new GlobalAveragePool2D(call.Device).Forward(x, y));

    public static void GlobalMaxPool(OnnxCall call) =>
        Global(call, (x, y) => new GlobalMaxPool2D(call.Device).Forward(x, y, call.Run.Allocate<int>(y.Count).Reshape(y.Shape)));

    private static void Global(OnnxCall call, Action<Tensor<float>, Tensor<float>> pool)
    {
        OnnxValue x = call.Float(0);
        if (x.Shape.Length < 3) throw call.Malformed($"takes (N, C, ...), not {OnnxArray.TextOf(x.Shape)}");
        int planes = checked(x.Shape[0] * x.Shape[1]);
        if (x.Count == 0) throw call.Malformed($"has nothing to pool in {OnnxArray.TextOf(x.Shape)}");
        Tensor<float> y = call.Run.Allocate<float>(planes);
        pool(x.Floats.Reshape(new Shape(x.Shape[0], x.Shape[1], 1, x.Count / planes)), y.Reshape(new Shape(x.Shape[0], x.Shape[1])));
        call.Set(0, x.Type, [x.Shape[0], x.Shape[1], .. Enumerable.Repeat(1, x.Shape.Length - 2)], y);
    }

    private static OnnxValue Pooled(OnnxCall call)
    {
        OnnxValue x = call.Input(0);
        if (x.Shape.Length is < 3 or > 5) throw call.Unsupported($"of {OnnxArray.TextOf(x.Shape)}");
        // Only what float32 holds exactly can be pooled as such.
        return x.IsFloat || x.Type is OnnxType.Int8 or OnnxType.UInt8 ? x : throw call.Unsupported($"of {x.Type}");
    }

    private static (OnnxWindow Window, bool Ceil) Window(OnnxCall call, OnnxValue x)
    {
        OnnxWindow window = OnnxWindow.Read(call, x.Shape.AsSpan(2), null);
        bool ceil = call.Int("ceil_mode", 0) != 0;
        return (window, ceil && window.IsExplicit);
    }

    private static Tensor<float> AsFloats(OnnxCall call, OnnxValue x)
    {
        Tensor<float> floats = call.Run.Allocate<float>(x.Shape);
        call.Run.Integers.ToFloat(x.Integers, floats);
        return floats;
    }

    // The innermost two dimensions; or, of three, the outermost one, whose slices are rows of an image.
    private static (Tensor<float> Values, int[] Shape) Step(OnnxCall call, Tensor<float> x, int[] shape, int dimensions, OnnxWindow window, bool ceil, Action<Pool2DShape, Tensor<float>, Tensor<float>> run)
    {
        Pool2DShape pool = Shape(shape, window, ceil, dimensions);
        pool.Validate();
        (Tensor<float> y, int[] pooled) = Output(call, shape, pool, dimensions);
        if (y.Count > 0) run(pool, x.Reshape(pool.Input.Prepend(shape[0])), y);
        return (y.Reshape(new Shape(y.Count)), pooled);
    }

    private static (Tensor<float> Values, int[] Shape) Output(OnnxCall call, int[] shape, Pool2DShape pool, int dimensions)
    {
        int[] pooled = (shape.Length, dimensions) switch
        {
            (3, _) => [shape[0], shape[1], pool.OutWidth],
            (4, _) => [shape[0], shape[1], pool.OutHeight, pool.OutWidth],
            (_, 1) => [shape[0], shape[1], pool.OutHeight, shape[3], shape[4]],
            _ => [shape[0], shape[1], shape[2], pool.OutHeight, pool.OutWidth],
        };
        return (call.Run.Allocate<float>(pooled).Reshape(pool.Output.Prepend(shape[0])), pooled);
    }

    private static Pool2DShape Shape(int[] x, OnnxWindow window, bool ceil, int dimensions)
    {
        if (dimensions == 1)
        {
            return new Pool2DShape
            {
                Channels = x[1],
                InHeight = x[2],
                InWidth = checked(x[3] * x[4]),
                KernelHeight = window.Kernel[0],
                KernelWidth = 1,
                StrideHeight = window.Strides[0],
                DilationHeight = window.Dilations[0],
                PadTop = window.Begin[0],
                PadBottom = window.End[0],
                CeilMode = ceil,
            };
        }
        OnnxWindow plane = window.Plane();
        return new Pool2DShape
        {
            Channels = x.Length == 5 ? checked(x[1] * x[2]) : x[1],
            InHeight = x.Length == 3 ? 1 : x[^2],
            InWidth = x[^1],
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
            CeilMode = ceil,
        };
    }
}

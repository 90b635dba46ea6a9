using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A value while a graph runs: on the device, or still on the host until a kernel wants it. Of the device's memory it knows only how many elements
/// there are; its own shape may have any rank.
/// </summary>
internal sealed class OnnxValue
{
    private readonly OnnxRun run;
    private OnnxArray? host;
    private Tensor<float>? floats;
    private Tensor<long>? integers;

    public OnnxValue(OnnxRun run, OnnxArray host)
    {
        this.run = run;
        this.host = host;
        (Type, Shape) = (host.Type, host.Shape);
    }

    public OnnxValue(OnnxRun run, OnnxType type, int[] shape, Tensor<float> floats)
    {
        this.run = run;
        this.floats = floats;
        (Type, Shape) = (type, shape);
    }

    public OnnxValue(OnnxRun run, OnnxType type, int[] shape, Tensor<long> integers)
    {
        this.run = run;
        this.integers = integers;
        (Type, Shape) = (type, shape);
    }

    private OnnxValue(OnnxValue other, int[] shape)
    {
        (run, Type, Shape) = (other.run, other.Type, shape);
        (floats, integers) = (other.floats, other.integers);
        if (other.host is { } array) host = OnnxArray.Of(array.Type, shape, array.Floats, array.Integers);
    }

    public OnnxType Type { get; }

    public int[] Shape { get; }

    public int Count => Shape.Aggregate(1, (count, size) => count * size);

    public bool IsFloat => OnnxArray.IsFloat(Type);

    /// <summary>The values on the device, of a float type.</summary>
    public Tensor<float> Floats
    {
        get
        {
            if (floats is { } there) return there;
            Tensor<float> tensor = run.Allocate<float>(Shape);
            tensor.CopyFrom(host!.Floats);
            floats = tensor;
            return tensor;
        }
    }

    /// <summary>The values on the device, of a type of integers.</summary>
    public Tensor<long> Integers
    {
        get
        {
            if (integers is { } there) return there;
            Tensor<long> tensor = run.Allocate<long>(Shape);
            tensor.CopyFrom(host!.Integers);
            integers = tensor;
            return tensor;
        }
    }

    /// <summary>The values on the host.</summary>
    public OnnxArray ToArray() => host ??= OnnxArray.Of(Type, Shape, floats?.ToArray() ?? [], integers?.ToArray() ?? []);

    /// <summary>The same values under another shape of as many elements; nothing is copied.</summary>
    public OnnxValue Reshape(int[] shape) => new(this, shape);
}

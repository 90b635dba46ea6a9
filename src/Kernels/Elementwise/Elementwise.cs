using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Arithmetic of tensors of any shape, element by element. The destination may be one of the sources.</summary>
public sealed class Elementwise
{
    private readonly Device device;
    private readonly Action<int, float, ArrayView<float>>? fill;
    private readonly Action<int, ArrayView<float>, float, ArrayView<float>>? scale;
    private readonly Action<int, ArrayView<float>, ArrayView<float>, ArrayView<float>>? add;
    private readonly Action<int, ArrayView<float>, float, ArrayView<float>, ArrayView<float>>? addScaled;
    private readonly Action<int, ArrayView<float>, ArrayView<float>, ArrayView<float>>? multiply;
    private readonly Action<int, ArrayView<float>, ArrayView<float>, ArrayView<float>>? divide;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Elementwise(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (device.IsHost) return;
        fill = device.LoadIndexed<float, ArrayView<float>>(FillKernel);
        scale = device.LoadIndexed<ArrayView<float>, float, ArrayView<float>>(ScaleKernel);
        add = device.LoadIndexed<ArrayView<float>, ArrayView<float>, ArrayView<float>>(AddKernel);
        addScaled = device.LoadIndexed<ArrayView<float>, float, ArrayView<float>, ArrayView<float>>(AddScaledKernel);
        multiply = device.LoadIndexed<ArrayView<float>, ArrayView<float>, ArrayView<float>>(MultiplyKernel);
        divide = device.LoadIndexed<ArrayView<float>, ArrayView<float>, ArrayView<float>>(DivideKernel);
    }

    /// <summary>x[i] = value. Overwrites x.</summary>
    /// <param name="x">The tensor to fill.</param>
    /// <param name="value">The value.</param>
    public unsafe void Fill(Tensor<float> x, float value)
    {
        if (x.Count == 0) return;
        if (fill is not null) fill(x.Count, value, x.View);
        else device.Host.Run(new HostFill(x.Pointer, value, x.Count), HostLoop.Blocks(x.Count));
    }

    /// <summary>y = factor * x. Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="y">The destination; may be <paramref name="x"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Scale(Tensor<float> x, float factor, Tensor<float> y)
    {
        Require.SameCount(x, y);
        if (x.Count == 0) return;
        if (scale is not null) scale(x.Count, x.View, factor, y.View);
        else HostLoop.Map(device, new ScaleMap(factor), x, y);
    }

    /// <summary>y = a + b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Add(Tensor<float> a, Tensor<float> b, Tensor<float> y)
    {
        Require.SameCount(a, b);
        Require.SameCount(a, y);
        if (a.Count == 0) return;
        if (add is not null) add(a.Count, a.View, b.View, y.View);
        else HostLoop.Map(device, default(AddMap), a, b, y);
    }

    /// <summary>y = a + factor * b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="factor">The factor of the second.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void AddScaled(Tensor<float> a, float factor, Tensor<float> b, Tensor<float> y)
    {
        Require.SameCount(a, b);
        Require.SameCount(a, y);
        if (a.Count == 0) return;
        if (addScaled is not null) addScaled(a.Count, a.View, factor, b.View, y.View);
        else HostLoop.Map(device, new AddScaledMap(factor), a, b, y);
    }

    /// <summary>y = a * b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Multiply(Tensor<float> a, Tensor<float> b, Tensor<float> y)
    {
        Require.SameCount(a, b);
        Require.SameCount(a, y);
        if (a.Count == 0) return;
        if (multiply is not null) multiply(a.Count, a.View, b.View, y.View);
        else HostLoop.Map(device, default(MultiplyMap), a, b, y);
    }

    /// <summary>y = a / b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Divide(Tensor<float> a, Tensor<float> b, Tensor<float> y)
    {
        Require.SameCount(a, b);
        Require.SameCount(a, y);
        if (a.Count == 0) return;
        if (divide is not null) divide(a.Count, a.View, b.View, y.View);
        else HostLoop.Map(device, default(DivideMap), a, b, y);
    }

    // One index owns one element.
    private static void FillKernel(Index1D i, float value, ArrayView<float> x) => x[i] = value;

    private static void ScaleKernel(Index1D i, ArrayView<float> x, float factor, ArrayView<float> y) => y[i] = factor * x[i];

    private static void AddKernel(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> y) => y[i] = a[i] + b[i];

    private static void AddScaledKernel(Index1D i, ArrayView<float> a, float factor, ArrayView<float> b, ArrayView<float> y) => y[i] = a[i] + factor * b[i];

    private static void MultiplyKernel(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> y) => y[i] = a[i] * b[i];

    private static void DivideKernel(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> y) => y[i] = a[i] / b[i];

    private readonly unsafe struct HostFill(float* x, float value, int count) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int start, int end) = HostLoop.BlockRange(item, count);
            new Span<float>(x + start, end - start).Fill(value);
        }
    }

    private readonly struct ScaleMap(float factor) : IMap1
    {
        public TVector Apply<TSimd, TVector>(TVector a) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Multiply(TSimd.Broadcast(factor), a);
    }

    private readonly struct AddMap : IMap2
    {
        public TVector Apply<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct => TSimd.Add(a, b);
    }

    private readonly struct AddScaledMap(float factor) : IMap2
    {
        public TVector Apply<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.MultiplyAdd(TSimd.Broadcast(factor), b, a);
    }

    private readonly struct MultiplyMap : IMap2
    {
        public TVector Apply<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct => TSimd.Multiply(a, b);
    }

    private readonly struct DivideMap : IMap2
    {
        public TVector Apply<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct => TSimd.Divide(a, b);
    }
}

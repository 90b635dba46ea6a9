namespace GpuConv.Kernels;

/// <summary>Arithmetic of tensors of any shape, element by element. The destination may be one of the sources.</summary>
public sealed class Elementwise
{
    private readonly Map<FillMap> fill;
    private readonly Map<ScaleMap> scale;
    private readonly Map<AddMap> add;
    private readonly Map<AddScaledMap> addScaled;
    private readonly Map<MultiplyMap> multiply;
    private readonly Map<DivideMap> divide;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Elementwise(Device device) =>
        (fill, scale, add, addScaled, multiply, divide) = (new(device), new(device), new(device), new(device), new(device), new(device));

    /// <summary>x[i] = value. Overwrites x.</summary>
    /// <param name="x">The tensor to fill.</param>
    /// <param name="value">The value.</param>
    public void Fill(Tensor<float> x, float value) => fill.Run(new FillMap(value), x);

    /// <summary>y = factor * x. Overwrites y.</summary>
    /// <param name="x">The source.</param>
    /// <param name="factor">The factor.</param>
    /// <param name="y">The destination; may be <paramref name="x"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Scale(Tensor<float> x, float factor, Tensor<float> y) => scale.Run(new ScaleMap(factor), y, x);

    /// <summary>y = a + b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Add(Tensor<float> a, Tensor<float> b, Tensor<float> y) => add.Run(default, y, a, b);

    /// <summary>y = a + factor * b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="factor">The factor of the second.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void AddScaled(Tensor<float> a, float factor, Tensor<float> b, Tensor<float> y) => addScaled.Run(new AddScaledMap(factor), y, a, b);

    /// <summary>y = a * b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Multiply(Tensor<float> a, Tensor<float> b, Tensor<float> y) => multiply.Run(default, y, a, b);

    /// <summary>y = a / b. Overwrites y.</summary>
    /// <param name="a">The first source.</param>
    /// <param name="b">The second source.</param>
    /// <param name="y">The destination; may be <paramref name="a"/> or <paramref name="b"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Divide(Tensor<float> a, Tensor<float> b, Tensor<float> y) => divide.Run(default, y, a, b);

    internal readonly struct FillMap(float value) : IMap
    {
        public static int Inputs => 0;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Broadcast(value);
    }

    internal readonly struct ScaleMap(float factor) : IMap
    {
        public static int Inputs => 1;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Multiply(TLanes.Broadcast(factor), x.A);
    }

    internal readonly struct AddMap : IMap
    {
        public static int Inputs => 2;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Add(x.A, x.B);
    }

    internal readonly struct AddScaledMap(float factor) : IMap
    {
        public static int Inputs => 2;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.MultiplyAdd(TLanes.Broadcast(factor), x.B, x.A);
    }

    internal readonly struct MultiplyMap : IMap
    {
        public static int Inputs => 2;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Multiply(x.A, x.B);
    }

    internal readonly struct DivideMap : IMap
    {
        public static int Inputs => 2;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Divide(x.A, x.B);
    }
}

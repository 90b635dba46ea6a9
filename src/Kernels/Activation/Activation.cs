using System.Diagnostics.CodeAnalysis;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// An elementwise activation y = f(x) and its gradient dx = dy f'(x). Any shape; x and y may be the same tensor for functions whose
/// derivative follows from y (all but LeakyRelu and Clip). Forward moves 8 bytes for each element, backward 12.
/// </summary>
[SuppressMessage("Design", "CA1000", Justification = "Made by the factories of Activation.")]
public abstract class Activation
{
    private protected Activation() { }

    /// <summary>The rectified linear unit, max(0, x); its derivative at 0 is 0, as in PyTorch.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="rule">What its backward pass does in place of the gradient, for attributions.</param>
    public static Activation Relu(Device device, ReluRule rule = ReluRule.Gradient) => rule switch
    {
        ReluRule.Guided => new Elementwise<GuidedReluFunction>(device, default),
        ReluRule.Deconvolution => new Elementwise<DeconvolutionReluFunction>(device, default),
        _ => new Elementwise<ReluFunction>(device, default),
    };

    /// <summary>The leaky rectified linear unit: x for positive x, slope * x otherwise; its derivative at 0 is the slope, as in PyTorch.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="slope">The slope of the negative side.</param>
    public static Activation LeakyRelu(Device device, float slope) => new Elementwise<LeakyReluFunction>(device, new LeakyReluFunction(slope));

    /// <summary>The logistic function 1 / (1 + e^-x).</summary>
    /// <param name="device">The device it runs on.</param>
    public static Activation Sigmoid(Device device) => new Elementwise<SigmoidFunction>(device, default);

    /// <summary>The hyperbolic tangent.</summary>
    /// <param name="device">The device it runs on.</param>
    public static Activation Tanh(Device device) => new Elementwise<TanhFunction>(device, default);

    /// <summary>Values below a bound are set to it, and those above another: min(max(x, low), high). The gradient passes where low &lt;= x &lt;= high, as in PyTorch.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="low">The lowest value, or negative infinity.</param>
    /// <param name="high">The highest value, or infinity; it wins where it is below <paramref name="low"/>.</param>
    public static Activation Clip(Device device, float low, float high) => new Elementwise<ClipFunction>(device, new ClipFunction(low, high));

    /// <summary>y = f(x). Overwrites y.</summary>
    /// <param name="x">The input, any shape.</param>
    /// <param name="y">The output, as many elements; may be <paramref name="x"/> itself.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public abstract void Forward(Tensor<float> x, Tensor<float> y);

    /// <summary>dx = dy f'(x). Overwrites dx.</summary>
    /// <param name="x">The input of the forward pass.</param>
    /// <param name="y">Its output.</param>
    /// <param name="dy">The gradient to the output.</param>
    /// <param name="dx">The gradient to the input; may be <paramref name="dy"/> itself.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public abstract void Backward(Tensor<float> x, Tensor<float> y, Tensor<float> dy, Tensor<float> dx);

    private sealed class Elementwise<TFunction> : Activation where TFunction : unmanaged, IActivation
    {
        private readonly Device device;
        private readonly TFunction function;
        private readonly Action<int, TFunction, ArrayView<float>, ArrayView<float>>? forward;
        private readonly Action<int, TFunction, ArrayView<float>, ArrayView<float>, ArrayView<float>>? backward;

        public Elementwise(Device device, TFunction function)
        {
            ArgumentNullException.ThrowIfNull(device);
            this.device = device;
            this.function = function;
            if (device.IsHost) return;
            forward = device.LoadIndexed<TFunction, ArrayView<float>, ArrayView<float>>(ForwardKernel);
            backward = device.LoadIndexed<TFunction, ArrayView<float>, ArrayView<float>, ArrayView<float>>(BackwardKernel);
        }

        public override void Forward(Tensor<float> x, Tensor<float> y)
        {
            Require.SameCount(x, y);
            if (x.Count == 0) return;
            if (forward is not null) forward(x.Count, function, x.View, y.View);
            else HostLoop.Map(device, new ForwardMap(function), x, y);
        }

        public override void Backward(Tensor<float> x, Tensor<float> y, Tensor<float> dy, Tensor<float> dx)
        {
            Require.SameCount(x, y);
            Require.SameCount(x, dy);
            Require.SameCount(x, dx);
            if (x.Count == 0) return;
            Tensor<float> source = TFunction.DerivativeFromOutput ? y : x;
            if (backward is not null) backward(x.Count, function, source.View, dy.View, dx.View);
            else HostLoop.Map(device, new BackwardMap(function), source, dy, dx);
        }

        // One index owns one element.
        private static void ForwardKernel(Index1D i, TFunction f, ArrayView<float> x, ArrayView<float> y) => y[i] = f.Forward(x[i]);

        private static void BackwardKernel(Index1D i, TFunction f, ArrayView<float> source, ArrayView<float> dy, ArrayView<float> dx) =>
            dx[i] = f.Backward(source[i], dy[i]);

        private readonly struct ForwardMap(TFunction f) : IMap1
        {
            public TVector Apply<TSimd, TVector>(TVector x)
                where TSimd : struct, ISimd<TVector>
                where TVector : struct => f.Forward<TSimd, TVector>(x);
        }

        private readonly struct BackwardMap(TFunction f) : IMap2
        {
            public TVector Apply<TSimd, TVector>(TVector source, TVector dy)
                where TSimd : struct, ISimd<TVector>
                where TVector : struct => f.Backward<TSimd, TVector>(source, dy);
        }
    }
}

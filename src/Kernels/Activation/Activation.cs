using System.Diagnostics.CodeAnalysis;

namespace GpuConv.Kernels;

/// <summary>
/// An elementwise activation y = f(x) and its gradient dx = dy f'(x). Any shape; x and y may be the same tensor for functions whose
/// derivative follows from y (Relu, Sigmoid, Tanh). Forward moves 8 bytes for each element, backward 12.
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

    /// <summary>x s(x), where s is the logistic function: swish, or SiLU.</summary>
    /// <param name="device">The device it runs on.</param>
    public static Activation Silu(Device device) => new Elementwise<SiluFunction>(device, default);

    /// <summary>x P(x), where P is the standard normal distribution's cumulative function.</summary>
    /// <param name="device">The device it runs on.</param>
    public static Activation Gelu(Device device) => new Elementwise<GeluFunction>(device, default);

    /// <summary>x min(max(x + 3, 0), 6) / 6: what swish is replaced by where an exponential is dear.</summary>
    /// <param name="device">The device it runs on.</param>
    public static Activation HardSwish(Device device) => new Elementwise<HardSwishFunction>(device, default);

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

    internal sealed class Elementwise<TFunction>(Device device, TFunction function) : Activation where TFunction : struct, IActivation
    {
        private readonly Map<ForwardMap> forward = new(device);
        private readonly Map<BackwardMap> backward = new(device);

        public override void Forward(Tensor<float> x, Tensor<float> y) => forward.Run(new ForwardMap(function), y, x);

        public override void Backward(Tensor<float> x, Tensor<float> y, Tensor<float> dy, Tensor<float> dx)
        {
            Require.SameCount(x, y);
            backward.Run(new BackwardMap(function), dx, TFunction.DerivativeFromOutput ? y : x, dy);
        }

        internal readonly struct ForwardMap(TFunction f) : IMap
        {
            public static int Inputs => 1;

            public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => f.Forward<TLanes, TVector>(x.A);
        }

        internal readonly struct BackwardMap(TFunction f) : IMap
        {
            public static int Inputs => 2;

            public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => f.Backward<TLanes, TVector>(x.A, x.B);
        }
    }
}

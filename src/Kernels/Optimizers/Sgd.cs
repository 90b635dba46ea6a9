using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Stochastic gradient descent as PyTorch defines it (torch.optim.SGD, after Sutskever et al. 2013):
/// g = dw + decay w; velocity = momentum velocity + g, at the first step g itself; g = g + momentum velocity with Nesterov, else the
/// velocity; w = w - rate g. One pass: 20 bytes for each parameter with momentum, 12 without.
/// </summary>
public sealed class Sgd
{
    private readonly Device device;
    private readonly SgdOptions options;
    private readonly Action<int, Coefficients, ArrayView<float>, ArrayView<float>>? plain;
    private readonly Action<int, Coefficients, ArrayView<float>, ArrayView<float>, ArrayView<float>>? momentum;

    /// <summary>Prepares the optimizer for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="options">Its parameters.</param>
    /// <exception cref="ArgumentException">Nesterov without momentum, or a negative parameter.</exception>
    public Sgd(Device device, SgdOptions options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        if (!(options.Momentum >= 0 && options.WeightDecay >= 0))
            throw new ArgumentException($"Momentum {options.Momentum} and weight decay {options.WeightDecay} must not be negative.", nameof(options));
        if (options.Nesterov && options.Momentum == 0) throw new ArgumentException("Nesterov needs a momentum above 0.", nameof(options));
        this.device = device;
        this.options = options;
        if (device.IsHost) return;
        plain = device.LoadIndexed<Coefficients, ArrayView<float>, ArrayView<float>>(PlainKernel);
        momentum = device.LoadIndexed<Coefficients, ArrayView<float>, ArrayView<float>, ArrayView<float>>(MomentumKernel);
    }

    /// <summary>One step. Updates w and, with momentum, velocity.</summary>
    /// <param name="w">The parameters, any shape.</param>
    /// <param name="dw">Their gradient.</param>
    /// <param name="velocity">The velocity that is kept from step to step; without momentum it is not read and may be null.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="firstStep">Whether this is the first step: the velocity is set, whatever it was.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ, or the velocity is missing.</exception>
    public unsafe void Step(Tensor<float> w, Tensor<float> dw, Tensor<float>? velocity, float learningRate, bool firstStep)
    {
        Require.SameCount(w, dw);
        var c = new Coefficients(learningRate, options.Momentum, options.WeightDecay, options.Nesterov ? 1 : 0, firstStep ? 1 : 0, gain: 1);
        if (options.Momentum == 0)
        {
            if (w.Count == 0) return;
            if (plain is not null) plain(w.Count, c, w.View, dw.View);
            else device.Host.Run(new HostPlain(c, w.Pointer, dw.Pointer, w.Count), HostLoop.Blocks(w.Count));
            return;
        }
        if (velocity is not { } v) throw new ArgumentException("With momentum a velocity is needed.", nameof(velocity));
        Step(w, dw, v, c);
    }

    /// <summary>One step with a velocity that is always kept, also the first: velocity = momentum velocity + gain g. (ONNX's Momentum; PyTorch's gain is 1 - dampening.) Updates w and velocity.</summary>
    /// <param name="w">The parameters, any shape.</param>
    /// <param name="dw">Their gradient.</param>
    /// <param name="velocity">The velocity that is kept from step to step.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="gain">What the gradient is multiplied with on its way into the velocity.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void StepWithGain(Tensor<float> w, Tensor<float> dw, Tensor<float> velocity, float learningRate, float gain)
    {
        Require.SameCount(w, dw);
        Step(w, dw, velocity, new Coefficients(learningRate, options.Momentum, options.WeightDecay, options.Nesterov ? 1 : 0, first: 0, gain));
    }

    private unsafe void Step(Tensor<float> w, Tensor<float> dw, Tensor<float> velocity, Coefficients c)
    {
        Require.SameCount(w, velocity);
        if (w.Count == 0) return;
        if (momentum is not null) momentum(w.Count, c, w.View, dw.View, velocity.View);
        else device.Host.Run(new HostMomentum(c, w.Pointer, dw.Pointer, velocity.Pointer, w.Count), HostLoop.Blocks(w.Count));
    }

    // One index owns one parameter.
    private static void PlainKernel(Index1D i, Coefficients c, ArrayView<float> w, ArrayView<float> dw) =>
        w[i] -= c.Rate * (dw[i] + c.Decay * w[i]);

    private static void MomentumKernel(Index1D i, Coefficients c, ArrayView<float> w, ArrayView<float> dw, ArrayView<float> velocity)
    {
        float g = dw[i] + c.Decay * w[i];
        float v = c.First != 0 ? g : c.Momentum * velocity[i] + c.Gain * g;
        velocity[i] = v;
        w[i] -= c.Rate * (c.Nesterov != 0 ? g + c.Momentum * v : v);
    }

    /// <summary>What a step needs to know; 1 stands for true, as kernels take no bool.</summary>
    internal readonly struct Coefficients(float rate, float momentum, float decay, int nesterov, int first, float gain)
    {
        public readonly float Rate = rate, Momentum = momentum, Decay = decay, Gain = gain;
        public readonly int Nesterov = nesterov, First = first;
    }

    private readonly unsafe struct HostPlain(Coefficients c, float* w, float* dw, int count) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int i, int end) = HostLoop.BlockRange(item, count);
            for (; i <= end - TSimd.Count; i += TSimd.Count)
                TSimd.Store(Updated<TSimd, TVector>(TSimd.Load(w + i), TSimd.Load(dw + i)), w + i);
            int rest = end - i;
            if (rest > 0)
                SimdTail.Store<TSimd, TVector>(Updated<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(w + i, rest), SimdTail.Load<TSimd, TVector>(dw + i, rest)), w + i, rest);
        }

        private TVector Updated<TSimd, TVector>(TVector weights, TVector gradient) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.MultiplyAdd(TSimd.Broadcast(-c.Rate), TSimd.MultiplyAdd(TSimd.Broadcast(c.Decay), weights, gradient), weights);
    }

    private readonly unsafe struct HostMomentum(Coefficients c, float* w, float* dw, float* velocity, int count) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int i, int end) = HostLoop.BlockRange(item, count);
            TVector weights, v;
            for (; i <= end - TSimd.Count; i += TSimd.Count)
            {
                weights = TSimd.Load(w + i);
                v = TSimd.Load(velocity + i);
                Update<TSimd, TVector>(ref weights, TSimd.Load(dw + i), ref v);
                TSimd.Store(weights, w + i);
                TSimd.Store(v, velocity + i);
            }
            int rest = end - i;
            if (rest == 0) return;
            weights = SimdTail.Load<TSimd, TVector>(w + i, rest);
            v = SimdTail.Load<TSimd, TVector>(velocity + i, rest);
            Update<TSimd, TVector>(ref weights, SimdTail.Load<TSimd, TVector>(dw + i, rest), ref v);
            SimdTail.Store<TSimd, TVector>(weights, w + i, rest);
            SimdTail.Store<TSimd, TVector>(v, velocity + i, rest);
        }

        private void Update<TSimd, TVector>(ref TVector weights, TVector gradient, ref TVector v) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector momentum = TSimd.Broadcast(c.Momentum);
            TVector g = TSimd.MultiplyAdd(TSimd.Broadcast(c.Decay), weights, gradient);
            v = c.First != 0 ? g : TSimd.MultiplyAdd(momentum, v, TSimd.Multiply(TSimd.Broadcast(c.Gain), g));
            TVector direction = c.Nesterov != 0 ? TSimd.MultiplyAdd(momentum, v, g) : v;
            weights = TSimd.MultiplyAdd(TSimd.Broadcast(-c.Rate), direction, weights);
        }
    }
}

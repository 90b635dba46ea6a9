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
    private readonly SgdOptions options;
    private readonly Map<Plain> plain;
    private readonly SpanKernel<Momentum> momentum;

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
        this.options = options;
        plain = new(device);
        momentum = new(device);
    }

    /// <summary>One step. Updates w and, with momentum, velocity.</summary>
    /// <param name="w">The parameters, any shape.</param>
    /// <param name="dw">Their gradient.</param>
    /// <param name="velocity">The velocity that is kept from step to step; without momentum it is not read and may be null.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="firstStep">Whether this is the first step: the velocity is set, whatever it was.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ, or the velocity is missing.</exception>
    public void Step(Tensor<float> w, Tensor<float> dw, Tensor<float>? velocity, float learningRate, bool firstStep)
    {
        Require.SameCount(w, dw);
        var c = new Coefficients(learningRate, options.Momentum, options.WeightDecay, options.Nesterov ? 1 : 0, firstStep ? 1 : 0, gain: 1);
        if (options.Momentum == 0)
        {
            plain.Run(new Plain(c), w, w, dw);
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

    private void Step(Tensor<float> w, Tensor<float> dw, Tensor<float> velocity, Coefficients c)
    {
        Require.SameCount(w, velocity);
        momentum.Launch(w.Count, new Momentum(c, w.View, dw.View, velocity.View));
    }

    /// <summary>What a step needs to know; 1 stands for true, as kernels take no bool.</summary>
    internal readonly struct Coefficients(float rate, float momentum, float decay, int nesterov, int first, float gain)
    {
        public readonly float Rate = rate, Momentum = momentum, Decay = decay, Gain = gain;
        public readonly int Nesterov = nesterov, First = first;
    }

    internal readonly struct Plain(Coefficients c) : IMap
    {
        public static int Inputs => 2;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct =>
            TLanes.MultiplyAdd(TLanes.Broadcast(-c.Rate), TLanes.MultiplyAdd(TLanes.Broadcast(c.Decay), x.A, x.B), x.A);
    }

    // One index owns one parameter.
    internal readonly struct Momentum(Coefficients c, ArrayView<float> w, ArrayView<float> dw, ArrayView<float> velocity) : ISpanKernel
    {
        public void Run(int i)
        {
            float weight = w[i], v = velocity[i];
            Update<Lane, float>(ref weight, dw[i], ref v);
            (w[i], velocity[i]) = (weight, v);
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* pw = w.Start(), pdw = dw.Start(), pv = velocity.Start();
            TVector weights, v;
            int i = from;
            for (; i <= to - TSimd.Count; i += TSimd.Count)
            {
                weights = TSimd.Load(pw + i);
                v = TSimd.Load(pv + i);
                Update<TSimd, TVector>(ref weights, TSimd.Load(pdw + i), ref v);
                TSimd.Store(weights, pw + i);
                TSimd.Store(v, pv + i);
            }
            int rest = to - i;
            if (rest == 0) return;
            weights = SimdTail.Load<TSimd, TVector>(pw + i, rest);
            v = SimdTail.Load<TSimd, TVector>(pv + i, rest);
            Update<TSimd, TVector>(ref weights, SimdTail.Load<TSimd, TVector>(pdw + i, rest), ref v);
            SimdTail.Store<TSimd, TVector>(weights, pw + i, rest);
            SimdTail.Store<TSimd, TVector>(v, pv + i, rest);
        }

        private void Update<TLanes, TVector>(ref TVector weights, TVector gradient, ref TVector v) where TLanes : struct, ILanes<TVector> where TVector : struct
        {
            TVector momentum = TLanes.Broadcast(c.Momentum);
            TVector g = TLanes.MultiplyAdd(TLanes.Broadcast(c.Decay), weights, gradient);
            v = c.First != 0 ? g : TLanes.MultiplyAdd(momentum, v, TLanes.Multiply(TLanes.Broadcast(c.Gain), g));
            TVector direction = c.Nesterov != 0 ? TLanes.MultiplyAdd(momentum, v, g) : v;
            weights = TLanes.MultiplyAdd(TLanes.Broadcast(-c.Rate), direction, weights);
        }
    }
}

using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Adam (Kingma and Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) as PyTorch defines them:
/// g = dw + decay w (Adam) or w = w - rate decay w first (AdamW); m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
/// w = w - rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon). One pass: 28 bytes for each parameter.
/// </summary>
public sealed class Adam
{
    private readonly AdamOptions options;
    private readonly double beta1;
    private readonly double beta2;
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the optimizer for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="options">Its parameters.</param>
    /// <exception cref="ArgumentException">A beta outside 0 to 1, or another parameter negative.</exception>
    public Adam(Device device, AdamOptions options)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(options);
        if (!(options.Beta1 is >= 0 and < 1 && options.Beta2 is >= 0 and < 1))
            throw new ArgumentException($"Betas {options.Beta1} and {options.Beta2} must be from 0 to below 1.", nameof(options));
        if (!(options.Epsilon >= 0 && options.WeightDecay >= 0))
            throw new ArgumentException($"Epsilon {options.Epsilon} and weight decay {options.WeightDecay} must not be negative.", nameof(options));
        this.options = options;
        // The decimal number that was written, 0.999 rather than the float nearest to it: 1 - beta would be off by 1e-5 of itself.
        // The conversion to decimal rounds to seven digits.
        beta1 = (double)(decimal)options.Beta1;
        beta2 = (double)(decimal)options.Beta2;
        kernel = new(device);
    }

    /// <summary>One step. Updates w, m and v.</summary>
    /// <param name="w">The parameters, any shape.</param>
    /// <param name="dw">Their gradient.</param>
    /// <param name="m">The mean of the gradients; zero before the first step.</param>
    /// <param name="v">The mean of their squares; zero before the first step.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="step">The number of this step, from 1.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The step is below 1.</exception>
    public void Step(Tensor<float> w, Tensor<float> dw, Tensor<float> m, Tensor<float> v, float learningRate, int step)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        double correction1 = 1 - Math.Pow(beta1, step), correction2 = 1 - Math.Pow(beta2, step);
        Step(w, dw, m, v, learningRate, learningRate / correction1, 1 / Math.Sqrt(correction2));
    }

    /// <summary>
    /// One step as the paper's section 2 ends, and as ONNX defines it: both corrections in the rate, epsilon beside the root that is not corrected, and none at
    /// step 0: w = w - rate sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(v) + epsilon). Updates w, m and v.
    /// </summary>
    /// <param name="w">The parameters, any shape.</param>
    /// <param name="dw">Their gradient.</param>
    /// <param name="m">The mean of the gradients.</param>
    /// <param name="v">The mean of their squares.</param>
    /// <param name="learningRate">The learning rate.</param>
    /// <param name="step">The number of this step; 0: nothing is corrected.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void StepWithCorrectedRate(Tensor<float> w, Tensor<float> dw, Tensor<float> m, Tensor<float> v, float learningRate, long step)
    {
        double correction = step > 0 ? Math.Sqrt(1 - Math.Pow(beta2, step)) / (1 - Math.Pow(beta1, step)) : 1;
        Step(w, dw, m, v, learningRate, learningRate * correction, 1);
    }

    private void Step(Tensor<float> w, Tensor<float> dw, Tensor<float> m, Tensor<float> v, float learningRate, double stepSize, double rootScale)
    {
        Require.SameCount(w, dw);
        Require.SameCount(w, m);
        Require.SameCount(w, v);
        var c = new Coefficients(
            gain1: (float)(1 - beta1),
            keep2: (float)beta2,
            gain2: (float)(1 - beta2),
            decay: options.Decoupled ? 0 : options.WeightDecay,
            shrink: options.Decoupled ? (float)(1 - (double)learningRate * options.WeightDecay) : 1,
            stepSize: (float)stepSize,
            rootScale: (float)rootScale,
            epsilon: options.Epsilon);
        kernel.Launch(w.Count, new Kernel(c, w.View, dw.View, m.View, v.View));
    }

    /// <summary>What a step needs to know, made in float64 from the options and the step's number.</summary>
    internal readonly struct Coefficients(float gain1, float keep2, float gain2, float decay, float shrink, float stepSize, float rootScale, float epsilon)
    {
        public readonly float Gain1 = gain1, Keep2 = keep2, Gain2 = gain2, Decay = decay, Shrink = shrink;
        public readonly float StepSize = stepSize, RootScale = rootScale, Epsilon = epsilon;
    }

    // One index owns one parameter.
    internal readonly struct Kernel(Coefficients c, ArrayView<float> w, ArrayView<float> dw, ArrayView<float> m, ArrayView<float> v) : ISpanKernel
    {
        public void Run(int i)
        {
            float weight = w[i], mean = m[i], square = v[i];
            Update<Lane, float>(ref weight, dw[i], ref mean, ref square);
            (w[i], m[i], v[i]) = (weight, mean, square);
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* pw = w.Start(), pdw = dw.Start(), pm = m.Start(), pv = v.Start();
            TVector weight, mean, square;
            int i = from;
            for (; i <= to - TSimd.Count; i += TSimd.Count)
            {
                (weight, mean, square) = (TSimd.Load(pw + i), TSimd.Load(pm + i), TSimd.Load(pv + i));
                Update<TSimd, TVector>(ref weight, TSimd.Load(pdw + i), ref mean, ref square);
                TSimd.Store(weight, pw + i);
                TSimd.Store(mean, pm + i);
                TSimd.Store(square, pv + i);
            }
            int rest = to - i;
            if (rest == 0) return;
            weight = SimdTail.Load<TSimd, TVector>(pw + i, rest);
            mean = SimdTail.Load<TSimd, TVector>(pm + i, rest);
            square = SimdTail.Load<TSimd, TVector>(pv + i, rest);
            Update<TSimd, TVector>(ref weight, SimdTail.Load<TSimd, TVector>(pdw + i, rest), ref mean, ref square);
            SimdTail.Store<TSimd, TVector>(weight, pw + i, rest);
            SimdTail.Store<TSimd, TVector>(mean, pm + i, rest);
            SimdTail.Store<TSimd, TVector>(square, pv + i, rest);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Update<TLanes, TVector>(ref TVector weight, TVector gradient, ref TVector mean, ref TVector square)
            where TLanes : struct, ILanes<TVector>
            where TVector : struct
        {
            TVector g = TLanes.MultiplyAdd(TLanes.Broadcast(c.Decay), weight, gradient);
            mean = TLanes.MultiplyAdd(TLanes.Broadcast(c.Gain1), TLanes.Subtract(g, mean), mean);
            square = TLanes.MultiplyAdd(TLanes.Multiply(TLanes.Broadcast(c.Gain2), g), g, TLanes.Multiply(TLanes.Broadcast(c.Keep2), square));
            TVector denominator = TLanes.MultiplyAdd(TLanes.Sqrt(square), TLanes.Broadcast(c.RootScale), TLanes.Broadcast(c.Epsilon));
            TVector step = TLanes.Divide(TLanes.Multiply(TLanes.Broadcast(c.StepSize), mean), denominator);
            weight = TLanes.Subtract(TLanes.Multiply(TLanes.Broadcast(c.Shrink), weight), step);
        }
    }
}

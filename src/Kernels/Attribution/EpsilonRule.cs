using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The epsilon rule of layer-wise relevance propagation (Bach et al. 2015, PLOS ONE 10(7) e0130140, equation 58) at the output z of a linear layer.
/// The relevance r of an output is shared out as r z[i] / (z + epsilon sign(z)) among its terms z[i] = x[i] w[i]. Written with relevance per unit,
/// g = r / z, that is the layer's own gradient to the input, applied to
/// <code>
/// g' = g z / (z + epsilon sign(z)) = g |z| / (|z| + epsilon)
/// </code>
/// and times x (Ancona et al. 2018, arXiv 1711.06104, proposition 1). What epsilon takes is the sum of r epsilon / (|z| + epsilon). On GPUs a group of
/// 64 has one sample; 12 bytes are moved for each element.
/// </summary>
public sealed class EpsilonRule
{
    private const int GroupSize = PlaneReduction.GroupSize;
    private readonly float epsilon;
    private readonly RowKernel<Kernel> kernel;

    /// <summary>Prepares the rule for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="epsilon">The stabiliser, in units of the layers' outputs.</param>
    /// <exception cref="ArgumentOutOfRangeException">Epsilon is not a positive number: outputs of 0 would be divided by 0.</exception>
    public EpsilonRule(Device device, float epsilon)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!(epsilon > 0) || !float.IsFinite(epsilon)) throw new ArgumentOutOfRangeException(nameof(epsilon), epsilon, "Epsilon is a positive number.");
        this.epsilon = epsilon;
        kernel = new(device);
    }

    /// <summary>g = g |z| / (|z| + epsilon) in place; taken[n] = the sum of g z epsilon / (|z| + epsilon) over sample n, with the g that came. Overwrites taken.</summary>
    /// <param name="z">The layer's outputs (N, ...).</param>
    /// <param name="g">Relevance per unit of output (N, ...).</param>
    /// <param name="taken">The relevance that epsilon takes (N).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Apply(Tensor<float> z, Tensor<float> g, Tensor<float> taken)
    {
        Require.SameCount(z, g);
        int samples = z.Shape[0];
        Require.Shape(taken, new Shape(samples));
        if (z.Count == 0) return;
        kernel.Launch(samples, new Kernel(z.Count / samples, epsilon, z.View, g.View, taken.View));
    }

    // One group owns one sample; lane l has elements l, l + 64, ...
    internal readonly struct Kernel(int length, float epsilon, ArrayView<float> z, ArrayView<float> g, ArrayView<float> taken) : IRowKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(GroupSize);
            int lane = Group.IdxX, sample = Grid.IdxX;
            float sum = 0;
            for (int i = lane; i < length; i += GroupSize)
            {
                int at = sample * length + i;
                float value = z[at], relevance = g[at], magnitude = value < 0 ? -value : value;
                sum += relevance * value * (epsilon / (magnitude + epsilon));
                g[at] = relevance * (magnitude / (magnitude + epsilon));
            }
            sum = PlaneReduction.GroupSum(lanes, lane, sum);
            if (lane == 0) taken[sample] = sum;
        }

        public unsafe void Run<TSimd, TVector>(int row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* from = z.Start() + (long)row * length, to = g.Start() + (long)row * length;
            taken.Start()[row] = LaneSum.Sum<TakenTerm, TSimd, TVector>(new TakenTerm(from, to, epsilon), length);
            int i = 0;
            for (; i <= length - TSimd.Count; i += TSimd.Count) TSimd.Store(Kept<TSimd, TVector>(TSimd.Load(from + i), TSimd.Load(to + i)), to + i);
            int rest = length - i;
            if (rest > 0) SimdTail.Store<TSimd, TVector>(Kept<TSimd, TVector>(SimdTail.Load<TSimd, TVector>(from + i, rest), SimdTail.Load<TSimd, TVector>(to + i, rest)), to + i, rest);
        }

        private TVector Kept<TSimd, TVector>(TVector value, TVector relevance) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector magnitude = TSimd.Max(value, TSimd.Subtract(default, value));
            return TSimd.Multiply(relevance, TSimd.Divide(magnitude, TSimd.Add(magnitude, TSimd.Broadcast(epsilon))));
        }
    }

    private readonly unsafe struct TakenTerm(float* z, float* g, float epsilon) : ILaneTerm
    {
        public TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector value = TSimd.Load(z + i), stabiliser = TSimd.Broadcast(epsilon);
            TVector magnitude = TSimd.Max(value, TSimd.Subtract(default, value));
            return TSimd.MultiplyAdd(TSimd.Multiply(TSimd.Load(g + i), value), TSimd.Divide(stabiliser, TSimd.Add(magnitude, stabiliser)), sum);
        }

        public float Add(float sum, int i) => sum + g[i] * z[i] * (epsilon / (Math.Abs(z[i]) + epsilon));
    }
}

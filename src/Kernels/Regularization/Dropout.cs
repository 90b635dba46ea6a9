using System.Numerics;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Dropout (Srivastava et al. 2014), inverted as in PyTorch: each element is set to 0 with probability p, else divided by 1 - p.
/// Whether element i falls is a hash of (seed, step, i): the same on every device, and computed anew in the backward pass, so that
/// no mask is stored. Used in training only; in inference dropout is the identity.
/// </summary>
public sealed class Dropout
{
    private readonly ulong seed;
    private readonly uint threshold;
    private readonly float scale;
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="probability">The probability that an element is dropped, from 0 to 1.</param>
    /// <param name="seed">The seed: give each dropout of a network its own.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is not one.</exception>
    public Dropout(Device device, float probability, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (!(probability is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(probability), probability, "A probability is from 0 to 1.");
        this.seed = seed;
        // Bits below the threshold drop; at 1 everything must, also the largest bits, so then the scale is 0.
        threshold = (uint)Math.Min(uint.MaxValue, Math.Round(probability * 4294967296.0));
        scale = probability == 1 ? 0 : (float)(1 / (1 - (double)probability));
        kernel = new(device);
    }

    /// <summary>y = x with elements dropped and the others scaled. Overwrites y.</summary>
    /// <param name="x">The input, any shape.</param>
    /// <param name="y">The output; may be <paramref name="x"/> itself.</param>
    /// <param name="step">The training step: each has its own mask.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y, uint step)
    {
        Require.SameCount(x, y);
        Apply(x, y, step);
    }

    /// <summary>dx = dy with the same elements dropped and the others scaled. Overwrites dx.</summary>
    /// <param name="dy">The gradient to the output.</param>
    /// <param name="dx">The gradient to the input; may be <paramref name="dy"/> itself.</param>
    /// <param name="step">The step that was given to the forward pass.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Backward(Tensor<float> dy, Tensor<float> dx, uint step)
    {
        Require.SameCount(dy, dx);
        Apply(dy, dx, step);
    }

    // The operator is linear and diagonal: its gradient is itself.
    private void Apply(Tensor<float> source, Tensor<float> destination, uint step)
    {
        (uint first, uint second) = CounterHash.Key(seed, step);
        kernel.Launch(source.Count, new Kernel(new Mask(first, second, threshold, scale), source.View, destination.View));
    }

    /// <summary>What decides which elements fall.</summary>
    internal readonly struct Mask(uint first, uint second, uint threshold, float scale)
    {
        public readonly uint First = first, Second = second, Threshold = threshold;
        public readonly float Scale = scale;
    }

    // One index owns one element.
    internal readonly struct Kernel(Mask mask, ArrayView<float> source, ArrayView<float> destination) : ISpanKernel
    {
        public void Run(int i) => destination[i] = Kept(i, source[i]);

        // Integer arithmetic is exact, so System.Numerics' vector, as wide as the processor's, serves here.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* x = source.Start(), y = destination.Start();
            Vector<uint> first = new(mask.First), second = new(mask.Second), threshold = new(mask.Threshold), lanes = Vector<uint>.Indices;
            Vector<float> scale = new(mask.Scale);
            int i = from;
            for (; i <= to - Vector<uint>.Count; i += Vector<uint>.Count)
            {
                Vector<uint> dropped = Vector.LessThan(CounterHash.Bits(new Vector<uint>((uint)i) + lanes, first, second), threshold);
                Vector<float> kept = Vector.Load(x + i) * scale;
                Vector.Store(Vector.AndNot(kept, Vector.AsVectorSingle(dropped)), y + i);
            }
            for (; i < to; i++) y[i] = Kept(i, x[i]);
        }

        private float Kept(int i, float value) => CounterHash.Bits((uint)i, mask.First, mask.Second) < mask.Threshold ? 0 : mask.Scale * value;
    }
}

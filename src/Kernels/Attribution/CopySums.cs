using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Sums over the copies of each sample, batch by batch: what integrated gradients and SmoothGrad do with the gradients. An element's terms are added in
/// the order of the copies, whatever the batches, so the sum does not depend on them.
/// </summary>
public sealed class CopySums
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public CopySums(Device device) => kernel = new(device);

    /// <summary>Adds items first, first + 1, ... to their samples' sums. Accumulates into sums.</summary>
    /// <param name="x">The items (N, ...).</param>
    /// <param name="copies">The copies of each sample.</param>
    /// <param name="first">The first item.</param>
    /// <param name="sums">The sums (S, ...).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public void Add(Tensor<float> x, SampleCopies copies, int first, Tensor<float> sums)
    {
        Require.Shape(sums, x.Shape.WithLeading(copies.Samples));
        int rows = x.Shape[0];
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(x.Count / rows, copies.Copies, first);
        // The samples that the batch has items of.
        int samples = geometry.Sample(rows - 1) - geometry.Sample(0) + 1;
        kernel.Launch(samples * geometry.Length, new Kernel(geometry, rows, x.View, sums.View), geometry.Length);
    }

    // The rows of the batch that belong to a sample.
    private static (int Begin, int End) Rows(CopyGeometry g, int rows, int sample)
    {
        int begin = sample * g.Copies - g.First, end = begin + g.Copies;
        return (begin < 0 ? 0 : begin, end > rows ? rows : end);
    }

    // One index owns one element of a sample's sum.
    internal readonly struct Kernel(CopyGeometry g, int rows, ArrayView<float> x, ArrayView<float> sums) : ISpanKernel
    {
        public void Run(int i)
        {
            int sample = g.Sample(0) + i / g.Length, element = i % g.Length;
            (int row, int end) = Rows(g, rows, sample);
            float sum = sums[sample * g.Length + element];
            for (; row < end; row++) sum += x[row * g.Length + element];
            sums[sample * g.Length + element] = sum;
        }

        // One span is one sample.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int sample = g.Sample(0) + from / g.Length;
            (int row, int end) = Rows(g, rows, sample);
            float* sum = sums.Start() + (long)sample * g.Length;
            for (; row < end; row++)
            {
                float* copy = x.Start() + (long)row * g.Length;
                int i = 0;
                for (; i <= g.Length - TSimd.Count; i += TSimd.Count) TSimd.Store(TSimd.Add(TSimd.Load(sum + i), TSimd.Load(copy + i)), sum + i);
                for (; i < g.Length; i++) sum[i] += copy[i];
            }
        }
    }
}

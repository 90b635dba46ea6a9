using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Sums over the copies of each sample, batch by batch: what integrated gradients and SmoothGrad do with the gradients. An element's terms are added in
/// the order of the copies, whatever the batches, so the sum does not depend on them.
/// </summary>
public sealed class CopySums
{
    private readonly Device device;
    private readonly Action<int, CopyGeometry, int, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public CopySums(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<CopyGeometry, int, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>Adds items first, first + 1, ... to their samples' sums. Accumulates into sums.</summary>
    /// <param name="x">The items (N, ...).</param>
    /// <param name="copies">The copies of each sample.</param>
    /// <param name="first">The first item.</param>
    /// <param name="sums">The sums (S, ...).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such items.</exception>
    public unsafe void Add(Tensor<float> x, SampleCopies copies, int first, Tensor<float> sums)
    {
        Require.Shape(sums, x.Shape.WithLeading(copies.Samples));
        int rows = x.Shape[0];
        copies.Require(first, rows);
        if (x.Count == 0) return;
        var geometry = new CopyGeometry(x.Count / rows, copies.Copies, first);
        // The samples that the batch has items of.
        int samples = geometry.Sample(rows - 1) - geometry.Sample(0) + 1;
        if (kernel is not null) kernel(samples * geometry.Length, geometry, rows, x.View, sums.View);
        else device.Host.Run(new HostKernel(geometry, rows, x.Pointer, sums.Pointer), samples);
    }

    // The rows of the batch that belong to a sample.
    private static (int Begin, int End) Rows(CopyGeometry g, int rows, int sample)
    {
        int begin = sample * g.Copies - g.First, end = begin + g.Copies;
        return (begin < 0 ? 0 : begin, end > rows ? rows : end);
    }

    // One index owns one element of a sample's sum.
    private static void Kernel(Index1D i, CopyGeometry g, int rows, ArrayView<float> x, ArrayView<float> sums)
    {
        int sample = g.Sample(0) + i / g.Length, element = i % g.Length;
        (int row, int end) = Rows(g, rows, sample);
        float sum = sums[sample * g.Length + element];
        for (; row < end; row++) sum += x[row * g.Length + element];
        sums[sample * g.Length + element] = sum;
    }

    // One item owns one sample.
    private readonly unsafe struct HostKernel(CopyGeometry g, int rows, float* x, float* sums) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int sample = g.Sample(0) + item;
            (int row, int end) = Rows(g, rows, sample);
            float* to = sums + (long)sample * g.Length;
            for (; row < end; row++)
            {
                float* from = x + (long)row * g.Length;
                int i = 0;
                for (; i <= g.Length - TSimd.Count; i += TSimd.Count) TSimd.Store(TSimd.Add(TSimd.Load(to + i), TSimd.Load(from + i)), to + i);
                for (; i < g.Length; i++) to[i] += from[i];
            }
        }
    }
}

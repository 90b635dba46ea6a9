using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Positions within planes, as <see cref="MaxPool2D"/> gives them, as positions in the whole tensor of planes (N, C, H, W).</summary>
public sealed class PlaneIndices
{
    private readonly Device device;
    private readonly Action<int, Planes, ArrayView<int>, ArrayView<long>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public PlaneIndices(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<Planes, ArrayView<int>, ArrayView<long>>(Kernel);
    }

    /// <summary>indices[n,c,p,q] = (n C + c) H W + h W + w, or + w H + h where planes are counted by columns. Overwrites indices.</summary>
    /// <param name="argmax">(N, C, P, Q): h W + w.</param>
    /// <param name="height">The planes' height, H.</param>
    /// <param name="width">The planes' width, W.</param>
    /// <param name="byColumns">Whether a plane is counted column by column.</param>
    /// <param name="indices">(N, C, P, Q).</param>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public void Forward(Tensor<int> argmax, int height, int width, bool byColumns, Tensor<long> indices)
    {
        if (argmax.Shape.Rank != 4) throw new ArgumentException($"Positions are (N, C, P, Q), not {argmax.Shape}.", nameof(argmax));
        Require.Shape(indices, argmax.Shape);
        if (argmax.Count == 0) return;
        var planes = new Planes(argmax.Shape[2] * argmax.Shape[3], height, width, byColumns ? 1 : 0);
        if (kernel is not null)
        {
            kernel(argmax.Count, planes, argmax.View, indices.View);
            return;
        }
        int[] positions = argmax.ToArray();
        var result = new long[positions.Length];
        for (int i = 0; i < result.Length; i++) result[i] = planes.Index(i, positions[i]);
        indices.CopyFrom(result);
    }

    // One index owns one element.
    private static void Kernel(Index1D i, Planes planes, ArrayView<int> argmax, ArrayView<long> indices) => indices[i] = planes.Index(i, argmax[i]);

    /// <summary>The sizes of the planes before and after; 1 stands for true.</summary>
    internal readonly struct Planes(int pooled, int height, int width, int byColumns)
    {
        public readonly int Pooled = pooled, Height = height, Width = width, ByColumns = byColumns;

        /// <summary>The position in the whole of element i's position in its plane.</summary>
        public long Index(int i, int position)
        {
            int row = position / Width, column = position - row * Width;
            return (long)(i / Pooled) * (Height * Width) + (ByColumns != 0 ? column * Height + row : position);
        }
    }
}

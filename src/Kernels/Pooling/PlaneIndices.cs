using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Positions within planes, as <see cref="MaxPool2D"/> gives them, as positions in the whole tensor of planes (N, C, H, W).</summary>
public sealed class PlaneIndices
{
    private readonly IndexKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public PlaneIndices(Device device) => kernel = new(device);

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
        kernel.Launch(argmax.Count, new Kernel(argmax.Shape[2] * argmax.Shape[3], height, width, byColumns ? 1 : 0, argmax.View, indices.View));
    }

    // One index owns one element; 1 stands for true.
    internal readonly struct Kernel(int pooled, int height, int width, int byColumns, ArrayView<int> argmax, ArrayView<long> indices) : IIndexKernel
    {
        public void Run(int i)
        {
            int position = argmax[i], row = position / width, column = position - row * width;
            indices[i] = (long)(i / pooled) * (height * width) + (byColumns != 0 ? column * height + row : position);
        }
    }
}

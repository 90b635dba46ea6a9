using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The pixels of the input that a unit of a layer can see: from the unit back through all layers between, each window widened by those before it (Araujo, Norris
/// and Sim, "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019). Where branches meet it spans them all; a dilated
/// window counts with its gaps. Empty where a transposed convolution leaves a gap.
/// </summary>
public static class ReceptiveField
{
    /// <summary>The pixels that a unit sees.</summary>
    /// <param name="network">The network; its input is an image.</param>
    /// <param name="node">The layer's position in the network.</param>
    /// <param name="row">The unit's row in the layer's output; 0 where that is a vector.</param>
    /// <param name="column">Its column.</param>
    /// <exception cref="ArgumentException">The input is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer, or no such unit.</exception>
    public static ImageRegion Of(Network network, int node, int row, int column) => Back(network, node, row, column, onImages: true);

    /// <summary>
    /// The same as if images had no edges: of one size for all units of a layer between which and the image there are only windows, and beyond the image
    /// where a unit sees padding.
    /// </summary>
    /// <param name="network">The network; its input is an image.</param>
    /// <param name="node">The layer's position in the network.</param>
    /// <param name="row">The unit's row in the layer's output; 0 where that is a vector.</param>
    /// <param name="column">Its column.</param>
    /// <exception cref="ArgumentException">The input is no image.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such layer, or no such unit.</exception>
    public static ImageRegion Window(Network network, int node, int row, int column) => Back(network, node, row, column, onImages: false);

    private static ImageRegion Back(Network network, int node, int row, int column, bool onImages)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (network.InputShape.Rank != 3) throw new ArgumentException($"The network's input is {network.InputShape}, no image.", nameof(network));
        ArgumentOutOfRangeException.ThrowIfNegative(node);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(node, network.Nodes.Count);
        ImageRegion whole = Whole(network.Nodes[node].OutputShape);
        ArgumentOutOfRangeException.ThrowIfNegative(row);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, whole.Height);
        ArgumentOutOfRangeException.ThrowIfNegative(column);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(column, whole.Width);

        // What is seen of each node's output, and of the network's input.
        var seen = new ImageRegion?[node + 1];
        ImageRegion? input = null;
        seen[node] = new ImageRegion(row, column, 1, 1);
        for (int i = node; i >= 0; i--)
        {
            if (seen[i] is not { } region) continue;
            for (int j = 0; j < network.Nodes[i].Inputs.Count; j++)
            {
                int source = network.Nodes[i].Inputs[j];
                ImageRegion map = Whole(network.Nodes[i].InputShapes[j]), read = network.Nodes[i].Layer.Reads(region, j) ?? map;
                if (onImages) read = read.Within(map.Height, map.Width);
                if (read.Height == 0 || read.Width == 0) continue;
                if (source < 0) input = read.Union(input);
                else seen[source] = read.Union(seen[source]);
            }
        }
        return input ?? default;
    }

    // A vector has one place, from which everything before it is seen.
    private static ImageRegion Whole(Shape shape) => shape.Rank == 3 ? new ImageRegion(0, 0, shape[1], shape[2]) : new ImageRegion(0, 0, 1, 1);
}

/// <summary>A rectangle of pixels.</summary>
/// <param name="Top">Its first row.</param>
/// <param name="Left">Its first column.</param>
/// <param name="Height">Its rows.</param>
/// <param name="Width">Its columns.</param>
public readonly record struct ImageRegion(int Top, int Left, int Height, int Width)
{
    /// <summary>The row after its last.</summary>
    public int Bottom => Top + Height;

    /// <summary>The column after its last.</summary>
    public int Right => Left + Width;

    /// <summary>What of it lies on an image; empty if nothing does.</summary>
    /// <param name="height">The image's rows.</param>
    /// <param name="width">The image's columns.</param>
    public ImageRegion Within(int height, int width)
    {
        int top = Math.Clamp(Top, 0, height), left = Math.Clamp(Left, 0, width);
        return new ImageRegion(top, left, Math.Clamp(Bottom, 0, height) - top, Math.Clamp(Right, 0, width) - left);
    }

    /// <summary>The smallest rectangle with this one and another, if there is one.</summary>
    internal ImageRegion Union(ImageRegion? other)
    {
        if (other is not { } o) return this;
        int top = Math.Min(Top, o.Top), left = Math.Min(Left, o.Left);
        return new ImageRegion(top, left, Math.Max(Bottom, o.Bottom) - top, Math.Max(Right, o.Right) - left);
    }
}

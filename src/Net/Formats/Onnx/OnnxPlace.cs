using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A value of a graph that becomes a network: the layer whose output it is, its shape there without the batch, and what was done to the input before the first layer.</summary>
/// <param name="Source">The layer's name, or the input's.</param>
/// <param name="Shape">The shape in the network.</param>
/// <param name="IsMap">Whether the graph sees a vector as maps of one pixel, as global pooling leaves them.</param>
/// <param name="Mean">What is subtracted of the input.</param>
/// <param name="Deviation">What it is divided by then.</param>
internal readonly record struct OnnxPlace(string Source, Shape Shape, bool IsMap = false, float Mean = 0, float Deviation = 1)
{
    /// <summary>The dimensions that the graph sees, with the batch.</summary>
    public int Rank => IsMap ? 4 : Shape.Rank + 1;
}

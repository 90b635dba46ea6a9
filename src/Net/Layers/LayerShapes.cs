using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>What layers ask of their inputs.</summary>
internal static class LayerShapes
{
    public static void RequireImage(Shape input)
    {
        if (input.Rank != 3) throw new ArgumentException($"it needs an image, channels x height x width, not {input}.");
    }

    public static void RequireVector(Shape input)
    {
        if (input.Rank != 1) throw new ArgumentException($"it needs a vector, not {input}: put 'flatten' before it.");
    }
}

using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>An image that a study looks at.</summary>
/// <param name="Name">How it is called: <c>test 17</c>, or its file.</param>
/// <param name="Index">Its number in the test images; null for a file.</param>
/// <param name="Label">Its true class; null where nobody knows.</param>
/// <param name="Shape">(channels, height, width).</param>
/// <param name="Pixels">Its bytes, channel after channel.</param>
internal sealed record StudyImage(string Name, int? Index, int? Label, Shape Shape, byte[] Pixels)
{
    /// <summary>Whether a pixel belongs to what is drawn, light on dark: some channel is brighter than half.</summary>
    public bool IsInk(int pixel)
    {
        int plane = Shape[1] * Shape[2];
        for (int i = pixel; i < Pixels.Length; i += plane)
            if (Pixels[i] > 127) return true;
        return false;
    }
}

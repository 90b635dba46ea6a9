using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Occlusion (Zeiler and Fergus 2014, arXiv 1311.2901, section 4.2): copies of one image, in each of which another window is covered. Window i of
/// <see cref="OcclusionWindows"/> has its upper left corner at ((i / columns) stride, (i % columns) stride); inside it, in all channels, a cover image
/// shows. Image and cover stay on the device; the kernel writes 4 bytes for each element of the copies and reads as many, from cache.
/// </summary>
public sealed class Occlusion
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public Occlusion(Device device) => kernel = new(device);

    /// <summary>x[n] = the image with window first + n covered. Overwrites x.</summary>
    /// <param name="image">The image (C, H, W).</param>
    /// <param name="cover">What shows inside the window (C, H, W).</param>
    /// <param name="windows">The windows, on images of H x W.</param>
    /// <param name="first">The first window.</param>
    /// <param name="x">The copies (N, C, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no such windows.</exception>
    public void Forward(Tensor<float> image, Tensor<float> cover, OcclusionWindows windows, int first, Tensor<float> x)
    {
        if (image.Shape.Rank != 3 || image.Shape[1] != windows.Height || image.Shape[2] != windows.Width)
            throw new ArgumentException($"The image is {image.Shape}; the windows are on images of {windows.Height} x {windows.Width}.", nameof(image));
        Require.Shape(cover, image.Shape);
        int copies = x.Shape[0];
        Require.Shape(x, image.Shape.Prepend(copies));
        if (first < 0 || first > windows.Count - copies)
            throw new ArgumentOutOfRangeException(nameof(first), first, $"Windows {first} to {first + copies} are not all among {windows.Count}.");
        kernel.Launch(x.Count, new Kernel(new Geometry(image.Count, windows, first), image.View, cover.View, x.View), image.Count);
    }

    // One index owns one element of x; a thread of the CPU has a copy.
    internal readonly struct Kernel(Geometry g, ArrayView<float> image, ArrayView<float> cover, ArrayView<float> x) : ISpanKernel
    {
        public void Run(int i)
        {
            int copy = i / g.Elements, element = i - copy * g.Elements;
            int line = element / g.Width, column = element - line * g.Width, row = line % g.Height;
            int top = g.Top(copy), left = g.Left(copy);
            bool covered = row >= top && row < top + g.Size && column >= left && column < left + g.Size;
            x[i] = covered ? cover[element] : image[element];
        }

        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int copy = from / g.Elements, corner = g.Top(copy) * g.Width + g.Left(copy);
            Span<float> covered = new(x.Start() + from, g.Elements);
            new Span<float>(image.Start(), g.Elements).CopyTo(covered);
            for (int plane = 0; plane < g.Elements; plane += g.Height * g.Width)
            {
                for (int row = 0; row < g.Size; row++)
                {
                    int at = plane + corner + row * g.Width;
                    new Span<float>(cover.Start() + at, g.Size).CopyTo(covered[at..]);
                }
            }
        }
    }

    /// <summary>Image and windows as kernels take them.</summary>
    internal readonly struct Geometry(int elements, OcclusionWindows windows, int first)
    {
        public readonly int Elements = elements, Height = windows.Height, Width = windows.Width, Size = windows.Size;
        private readonly int stride = windows.Stride, columns = windows.Columns, first = first;

        public int Top(int copy) => (first + copy) / columns * stride;

        public int Left(int copy) => (first + copy) % columns * stride;
    }
}

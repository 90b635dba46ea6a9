using GpuConv.Kernels;

namespace GpuConv.Tests;

public class OcclusionTests
{
    /// <summary>Channels, height, width, window, stride: windows and strides that do not divide the image, one that fills it, single pixels.</summary>
    private static readonly (int C, int H, int W, int Size, int Stride)[] Cases =
        [(1, 28, 28, 16, 5), (1, 7, 9, 3, 2), (3, 5, 8, 2, 3), (2, 6, 6, 6, 1), (1, 4, 11, 4, 4), (3, 5, 5, 1, 1), (1, 1, 1, 1, 1), (1, 3, 10, 2, 7), (4, 9, 3, 3, 1), (1, 9, 7, 5, 9)];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Copies_show_the_cover_inside_their_window_and_the_image_around_it(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        var occlusion = new Occlusion(device);
        foreach ((int c, int h, int w, int size, int stride) in TestScope.Some(deviceName, Cases))
        {
            using var arena = new DeviceArena(device);
            var windows = new OcclusionWindows(h, w, size, stride);
            var shape = new Shape(c, h, w);
            float[] image = [.. Enumerable.Range(0, shape.Count).Select(i => (float)i)], cover = [.. image.Select(v => -1 - v)];
            Tensor<float> onDevice = arena.Allocate<float>(shape), covering = arena.Allocate<float>(shape);
            onDevice.CopyFrom(image);
            covering.CopyFrom(cover);

            float[] expected = [.. Places(h, w, size, stride).SelectMany(p => Covered(image, cover, (c, h, w), p, size))];
            Assert.Equal(expected.Length, windows.Count * shape.Count);
            // In two parts of unequal length, between guards.
            int parts = Math.Max(1, windows.Count / 3);
            Tensor<float> copies = arena.Allocate<float>(shape.Prepend(windows.Count + 2));
            copies.CopyFrom([.. Enumerable.Repeat(float.NaN, copies.Count)]);
            occlusion.Forward(onDevice, covering, windows, 0, copies.Slice(1, parts));
            occlusion.Forward(onDevice, covering, windows, parts, copies.Slice(1 + parts, windows.Count - parts));
            float[] guard = [.. Enumerable.Repeat(float.NaN, shape.Count)];
            Assert.Equal([.. guard, .. expected, .. guard], copies.ToArray());
        }
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using var arena = new DeviceArena(TestDevices.Get("cpu"));
        Tensor<float> image = arena.Allocate<float>(new Shape(1, 4, 5)), x = arena.Allocate<float>(new Shape(3, 1, 4, 5));
        var occlusion = new Occlusion(arena.Device);
        var windows = new OcclusionWindows(4, 5, 3, 1);
        Assert.Equal((2, 3, 6), (windows.Rows, windows.Columns, windows.Count));
        Assert.Throws<ArgumentOutOfRangeException>(() => occlusion.Forward(image, image, windows, 4, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => occlusion.Forward(image, image, windows, -1, x));
        Assert.Throws<ArgumentException>(() => occlusion.Forward(image, image, new OcclusionWindows(5, 4, 3, 1), 0, x));
        Assert.Throws<ArgumentException>(() => occlusion.Forward(image, x.First(1), windows, 0, x));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OcclusionWindows(4, 5, 5, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OcclusionWindows(4, 5, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new OcclusionWindows(4, 5, 2, 0));
    }

    private static IEnumerable<(int Top, int Left)> Places(int height, int width, int size, int stride)
    {
        for (int top = 0; top + size <= height; top += stride)
            for (int left = 0; left + size <= width; left += stride) yield return (top, left);
    }

    private static float[] Covered(float[] image, float[] cover, (int C, int H, int W) shape, (int Top, int Left) window, int size)
    {
        float[] copy = [.. image];
        for (int c = 0; c < shape.C; c++)
        {
            for (int y = window.Top; y < window.Top + size; y++)
            {
                for (int x = window.Left; x < window.Left + size; x++)
                {
                    int at = (c * shape.H + y) * shape.W + x;
                    copy[at] = cover[at];
                }
            }
        }
        return copy;
    }
}

namespace GpuConv.Kernels;

/// <summary>Copies images between the order of planes, (N, C, H, W), and that with the channels last, (N, H, W, C), on a CPU.</summary>
public static unsafe class ChannelOrder
{
    /// <summary>Writes planes with their channels last. Overwrites the destination.</summary>
    /// <param name="planes">(N, C, H, W).</param>
    /// <param name="channelsLast">(N, H, W, C).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static void ToChannelsLast(Tensor<float> planes, Tensor<float> channelsLast)
    {
        (int images, int channels, int pixels) = Check(planes, channelsLast);
        planes.Device.Host.Run(new Kernel(planes.Pointer, pixels, channels, channelsLast.Pointer), images);
    }

    /// <summary>Writes images with their channels last as planes. Overwrites the destination.</summary>
    /// <param name="channelsLast">(N, H, W, C).</param>
    /// <param name="planes">(N, C, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public static void ToPlanes(Tensor<float> channelsLast, Tensor<float> planes)
    {
        (int images, int channels, int pixels) = Check(planes, channelsLast);
        planes.Device.Host.Run(new Kernel(channelsLast.Pointer, channels, pixels, planes.Pointer), images);
    }

    private static (int Images, int Channels, int Pixels) Check(Tensor<float> planes, Tensor<float> channelsLast)
    {
        Shape p = planes.Shape;
        if (p.Rank != 4) throw new ArgumentException($"Images are (N, C, H, W), not {p}.", nameof(planes));
        Require.Shape(channelsLast, new Shape(p[0], p[2], p[3], p[1]));
        return (p[0], p[1], p[2] * p[3]);
    }

    // One item transposes an image: to[i, j] = from[j, i].
    private readonly struct Kernel(float* from, int rows, int columns, float* to) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)item * rows * columns;
            Transpose.Copy(from + start, rows, rows, columns, to + start, columns);
        }
    }
}

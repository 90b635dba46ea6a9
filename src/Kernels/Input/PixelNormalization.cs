using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Images of 0 to 1 as a network takes them, y = (x - mean) / deviation: the same bits as <see cref="BatchGather"/> makes of their bytes where x is byte / 255.
/// </summary>
public sealed class PixelNormalization
{
    private readonly Device device;
    private readonly float mean, deviation;
    private readonly Action<int, float, float, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="mean">The mean of pixel / 255.</param>
    /// <param name="deviation">Its standard deviation.</param>
    public PixelNormalization(Device device, float mean, float deviation)
    {
        ArgumentNullException.ThrowIfNull(device);
        (this.device, this.mean, this.deviation) = (device, mean, deviation);
        if (!device.IsHost) kernel = device.LoadIndexed<float, float, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>Overwrites y. The gradient to x is that to y divided by the deviation.</summary>
    /// <param name="x">Images, 0 to 1, any shape.</param>
    /// <param name="y">The network's input; may be <paramref name="x"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y)
    {
        Require.SameCount(x, y);
        if (x.Count == 0) return;
        if (kernel is not null) kernel(x.Count, mean, deviation, x.View, y.View);
        else HostLoop.Map(device, new HostMap(mean, deviation), x, y);
    }

    // One index owns one element.
    private static void Kernel(Index1D i, float mean, float deviation, ArrayView<float> x, ArrayView<float> y) => y[i] = (x[i] - mean) / deviation;

    private readonly struct HostMap(float mean, float deviation) : IMap1
    {
        public TVector Apply<TSimd, TVector>(TVector x) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.Divide(TSimd.Subtract(x, TSimd.Broadcast(mean)), TSimd.Broadcast(deviation));
    }
}

namespace GpuConv.Kernels;

/// <summary>
/// Images of 0 to 1 as a network takes them, y = (x - mean) / deviation: the same bits as <see cref="BatchGather"/> makes of their bytes where x is byte / 255.
/// </summary>
public sealed class PixelNormalization
{
    private readonly Map<Normalize> map;
    private readonly Normalize normalize;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    /// <param name="mean">The mean of pixel / 255.</param>
    /// <param name="deviation">Its standard deviation.</param>
    public PixelNormalization(Device device, float mean, float deviation) => (map, normalize) = (new(device), new Normalize(mean, deviation));

    /// <summary>Overwrites y. The gradient to x is that to y divided by the deviation.</summary>
    /// <param name="x">Images, 0 to 1, any shape.</param>
    /// <param name="y">The network's input; may be <paramref name="x"/>.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Forward(Tensor<float> x, Tensor<float> y) => map.Run(normalize, y, x);

    internal readonly struct Normalize(float mean, float deviation) : IMap
    {
        public static int Inputs => 1;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Divide(TLanes.Subtract(x.A, TLanes.Broadcast(mean)), TLanes.Broadcast(deviation));
    }
}

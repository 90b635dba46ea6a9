using ILGPU;

namespace GpuConv.Kernels;

/// <summary>
/// The exponential moving average of weights over the steps of a training (Polyak and Juditsky 1992, in the form of Adam's means):
/// average = average + share (w - average), which is decay average + (1 - decay) w with a share of 1 - decay. One pass, 12 bytes for
/// each weight.
/// </summary>
public sealed class MovingAverage
{
    private readonly Device device;
    private readonly Action<int, float, ArrayView<float>, ArrayView<float>>? kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public MovingAverage(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        this.device = device;
        if (!device.IsHost) kernel = device.LoadIndexed<float, ArrayView<float>, ArrayView<float>>(Kernel);
    }

    /// <summary>Moves the average towards the weights. Updates average.</summary>
    /// <param name="average">The average, any shape.</param>
    /// <param name="w">The weights.</param>
    /// <param name="share">The share of the way that it moves, from 0 to 1.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Step(Tensor<float> average, Tensor<float> w, float share)
    {
        Require.SameCount(average, w);
        if (w.Count == 0) return;
        if (kernel is not null) kernel(w.Count, share, average.View, w.View);
        else HostLoop.Map(device, new Map(share), average, w, average);
    }

    // One index owns one weight.
    private static void Kernel(Index1D i, float share, ArrayView<float> average, ArrayView<float> w) => average[i] += share * (w[i] - average[i]);

    private readonly struct Map(float share) : IMap2
    {
        public TVector Apply<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.MultiplyAdd(TSimd.Broadcast(share), TSimd.Subtract(b, a), a);
    }
}

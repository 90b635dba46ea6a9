namespace GpuConv.Kernels;

/// <summary>
/// The exponential moving average of weights over the steps of a training (Polyak and Juditsky 1992, in the form of Adam's means):
/// average = average + share (w - average), which is decay average + (1 - decay) w with a share of 1 - decay. One pass, 12 bytes for
/// each weight.
/// </summary>
public sealed class MovingAverage
{
    private readonly Map<Towards> map;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public MovingAverage(Device device) => map = new(device);

    /// <summary>Moves the average towards the weights. Updates average.</summary>
    /// <param name="average">The average, any shape.</param>
    /// <param name="w">The weights.</param>
    /// <param name="share">The share of the way that it moves, from 0 to 1.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Step(Tensor<float> average, Tensor<float> w, float share) => map.Run(new Towards(share), average, average, w);

    internal readonly struct Towards(float share) : IMap
    {
        public static int Inputs => 2;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.MultiplyAdd(TLanes.Broadcast(share), TLanes.Subtract(x.B, x.A), x.A);
    }
}

namespace GpuConv.Kernels;

/// <summary>
/// A step of a sign-gradient attack (Goodfellow et al. 2015, arXiv 1412.6572; Madry et al. 2018, arXiv 1706.06083): x is moved by the step's size
/// along the sign of the gradient, and back into a box. The box of radius epsilon around an image, cut to 0..1, is computed once, so that every
/// later result lies in it to the bit.
/// </summary>
public sealed class BoxStep
{
    private readonly Map<Lower> lowest;
    private readonly Map<Upper> highest;
    private readonly Map<Move> move;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public BoxStep(Device device) => (lowest, highest, move) = (new(device), new(device), new(device));

    /// <summary>lower = max(0, x - epsilon), upper = min(1, x + epsilon). Overwrites both.</summary>
    /// <param name="x">Images, 0 to 1, any shape.</param>
    /// <param name="epsilon">The radius, not negative.</param>
    /// <param name="lower">The smallest values.</param>
    /// <param name="upper">The largest.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Bounds(Tensor<float> x, float epsilon, Tensor<float> lower, Tensor<float> upper)
    {
        lowest.Run(new Lower(epsilon), lower, x);
        highest.Run(new Upper(epsilon), upper, x);
    }

    /// <summary>x = min(max(x + size sign(gradient), lower), upper), where the sign of 0 and of NaN is 0. Updates x.</summary>
    /// <param name="x">The images, any shape.</param>
    /// <param name="gradient">What to climb.</param>
    /// <param name="size">How far; negative to descend.</param>
    /// <param name="lower">The smallest values.</param>
    /// <param name="upper">The largest.</param>
    /// <exception cref="ArgumentException">The numbers of elements differ.</exception>
    public void Step(Tensor<float> x, Tensor<float> gradient, float size, Tensor<float> lower, Tensor<float> upper) => move.Run(new Move(size), x, x, gradient, lower, upper);

    internal readonly struct Lower(float epsilon) : IMap
    {
        public static int Inputs => 1;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Max(TLanes.Subtract(x.A, TLanes.Broadcast(epsilon)), TLanes.Broadcast(0));
    }

    internal readonly struct Upper(float epsilon) : IMap
    {
        public static int Inputs => 1;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct => TLanes.Min(TLanes.Add(x.A, TLanes.Broadcast(epsilon)), TLanes.Broadcast(1));
    }

    // From A along the sign of B, between C and D.
    internal readonly struct Move(float size) : IMap
    {
        public static int Inputs => 4;

        public TVector Apply<TLanes, TVector>(Elements<TVector> x) where TLanes : struct, ILanes<TVector> where TVector : struct
        {
            TVector zero = TLanes.Broadcast(0), up = TLanes.Broadcast(size), down = TLanes.Broadcast(-size);
            TVector moved = TLanes.Select(TLanes.GreaterThan(x.B, zero), up, TLanes.Select(TLanes.GreaterThan(zero, x.B), down, zero));
            return TLanes.Min(TLanes.Max(TLanes.Add(x.A, moved), x.C), x.D);
        }
    }
}

using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The gradients of batch normalisation on the CPU: dshift and dscale by sums over planes (images) or over the batch (feature
/// vectors), then dx = factor (dy - a + b (x - mean)) with factor = scale inverse, a = dshift / n, b = -inverse dscale / n.
/// Items as in <see cref="BatchNormalizationCpu"/>.
/// </summary>
internal readonly unsafe struct BatchNormalizationCpuBackward(
    ChannelLayout layout, float* x, float* dy, float* dx, Affine affine, float* dscale, float* dshift) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        if (layout.Pixels == 1) Features<TSimd, TVector>(item);
        else Images<TSimd, TVector>(item);
    }

    private void Images<TSimd, TVector>(int c) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        int pixels = layout.Pixels;
        float mean = affine.Mean[c], inverse = affine.Inverse[c];
        double sum = 0, covariation = 0;
        for (int n = 0; n < layout.Batch; n++)
        {
            long start = layout.Plane(n, c);
            sum += LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(dy + start, 0), pixels);
            covariation += LaneSum.Sum<CovariationTerm, TSimd, TVector>(new CovariationTerm(dy + start, x + start, mean), pixels);
        }
        dshift[c] = (float)sum;
        dscale[c] = (float)(covariation * inverse);
        double count = (double)layout.Batch * pixels;
        float factor = affine.Scale[c] * inverse, a = (float)(sum / count), b = (float)(-covariation * inverse * inverse / count);
        for (int n = 0; n < layout.Batch; n++)
        {
            long start = layout.Plane(n, c);
            GradientPlane<TSimd, TVector>(x + start, dy + start, dx + start, pixels, mean, factor, a, b);
        }
    }

    // dx = factor (dy - a + b (x - mean)). dx may be dy, so the last vector, which overlaps the one before, is computed first and stored last.
    private static void GradientPlane<TSimd, TVector>(float* x, float* dy, float* dx, int count, float mean, float factor, float a, float b)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector meanLanes = TSimd.Broadcast(mean), factorLanes = TSimd.Broadcast(factor), aLanes = TSimd.Broadcast(a), bLanes = TSimd.Broadcast(b);
        int lanes = Math.Min(count, TSimd.Count), end = count - lanes;
        TVector d = TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + end, lanes), meanLanes), g = TSimd.Subtract(Lanes.Load<TSimd, TVector>(dy + end, lanes), aLanes);
        TVector last = TSimd.Multiply(TSimd.MultiplyAdd(d, bLanes, g), factorLanes);
        for (int i = 0; i < end; i += TSimd.Count)
        {
            d = TSimd.Subtract(TSimd.Load(x + i), meanLanes);
            g = TSimd.Subtract(TSimd.Load(dy + i), aLanes);
            TSimd.Store(TSimd.Multiply(TSimd.MultiplyAdd(d, bLanes, g), factorLanes), dx + i);
        }
        Lanes.Store<TSimd, TVector>(last, dx + end, lanes);
    }

    private void Features<TSimd, TVector>(int item) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        (int c, int end) = layout.Features(item);
        TVector batch = TSimd.Broadcast(layout.Batch);
        for (; c < end; c += TSimd.Count)
        {
            int lanes = Math.Min(TSimd.Count, end - c);
            TVector mean = Lanes.Load<TSimd, TVector>(affine.Mean + c, lanes), inverse = Lanes.Load<TSimd, TVector>(affine.Inverse + c, lanes);
            TVector sum = default, covariation = default;
            for (int n = 0; n < layout.Batch; n++)
            {
                long i = layout.Plane(n, c);
                TVector gradient = Lanes.Load<TSimd, TVector>(dy + i, lanes);
                sum = TSimd.Add(sum, gradient);
                covariation = TSimd.MultiplyAdd(gradient, TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + i, lanes), mean), covariation);
            }
            TVector scaleGradient = TSimd.Multiply(covariation, inverse);
            Lanes.Store<TSimd, TVector>(sum, dshift + c, lanes);
            Lanes.Store<TSimd, TVector>(scaleGradient, dscale + c, lanes);
            TVector factor = TSimd.Multiply(Lanes.Load<TSimd, TVector>(affine.Scale + c, lanes), inverse);
            TVector a = TSimd.Divide(sum, batch);
            TVector b = TSimd.Subtract(default, TSimd.Divide(TSimd.Multiply(scaleGradient, inverse), batch));
            for (int n = 0; n < layout.Batch; n++)
            {
                long i = layout.Plane(n, c);
                TVector d = TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + i, lanes), mean);
                TVector t = TSimd.MultiplyAdd(d, b, TSimd.Subtract(Lanes.Load<TSimd, TVector>(dy + i, lanes), a));
                Lanes.Store<TSimd, TVector>(TSimd.Multiply(t, factor), dx + i, lanes);
            }
        }
    }
}

/// <summary>The memory order (image, channel, pixel), and how it is dealt out in items.</summary>
internal readonly struct ChannelLayout(int batch, int channels, int pixels)
{
    // 256 bytes of each row: whole cache lines, and enough items for some threads.
    private const int FeatureBlock = 64;

    // Floats that an item of elementwise work covers at least.
    private const int ItemFloats = 8192;

    public int Batch => batch;
    public int Channels => channels;
    public int Pixels => pixels;
    public int FeatureItems => (channels + FeatureBlock - 1) / FeatureBlock;
    public int PlaneItems => (batch * channels + PlaneBlock - 1) / PlaneBlock;
    private int PlaneBlock => Math.Max(1, ItemFloats / pixels);

    /// <summary>Where the plane of an image and a channel starts.</summary>
    public long Plane(int n, int c) => ((long)n * channels + c) * pixels;

    /// <summary>The channels of an item of feature vectors.</summary>
    public (int Begin, int End) Features(int item) => (item * FeatureBlock, Math.Min(channels, (item + 1) * FeatureBlock));

    /// <summary>The planes of an item of elementwise work.</summary>
    public (int Begin, int End) Planes(int item) => (item * PlaneBlock, Math.Min(batch * channels, (item + 1) * PlaneBlock));
}

/// <summary>The arrays of one value for each channel that make up y = scale (x - mean) inverse + shift.</summary>
internal readonly unsafe struct Affine(float* scale, float* shift, float* mean, float* inverse)
{
    public readonly float* Scale = scale, Shift = shift, Mean = mean, Inverse = inverse;
}

/// <summary>The running statistics and how they move.</summary>
internal readonly unsafe struct Running(float* mean, float* variance, float momentum, float epsilon)
{
    public readonly float* Mean = mean, Variance = variance;
    public readonly float Momentum = momentum, Epsilon = epsilon;
}

/// <summary>Loads and stores of whole vectors or, at the end of a row of channels, of the lanes there are.</summary>
internal static unsafe class Lanes
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TSimd, TVector>(float* source, int lanes) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        lanes == TSimd.Count ? TSimd.Load(source) : SimdTail.Load<TSimd, TVector>(source, lanes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TSimd, TVector>(TVector value, float* destination, int lanes) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        if (lanes == TSimd.Count) TSimd.Store(value, destination);
        else SimdTail.Store<TSimd, TVector>(value, destination, lanes);
    }
}

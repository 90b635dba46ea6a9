using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>The sums of dy and of dy (x - mean) over each plane. An item is a block of planes.</summary>
internal readonly unsafe struct PlaneGradientSums(ChannelLayout layout, float* x, float* dy, Affine affine, float* sums, float* covariations) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        (int plane, int end) = layout.Planes(item);
        int pixels = layout.Pixels;
        for (; plane < end; plane++)
        {
            long start = (long)plane * pixels;
            sums[plane] = LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(dy + start, 0), pixels);
            covariations[plane] = LaneSum.Sum<CovariationTerm, TSimd, TVector>(new CovariationTerm(dy + start, x + start, affine.Mean[plane % layout.Channels]), pixels);
        }
    }
}

/// <summary>
/// The gradients to scale and shift, by sums over the planes in the order of the images, in float64. An item is a block of channels.
/// Leaves a = dshift / n and b = -inverse dscale / n, with n values for each channel, in place of the first image's sums.
/// </summary>
internal readonly unsafe struct MergeGradientSums(ChannelLayout layout, float* sums, float* covariations, Affine affine, float* dscale, float* dshift) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        // a and b go over what has been read.
        var gradients = new ChannelGradients(dscale, dshift, sums, covariations);
        (int c, int end) = layout.Features(item);
        for (; c < end; c++)
        {
            double sum = 0, covariation = 0;
            for (int n = 0; n < layout.Batch; n++)
            {
                sum += sums[n * layout.Channels + c];
                covariation += covariations[n * layout.Channels + c];
            }
            gradients.Take(c, sum, covariation, affine.Inverse[c], (double)layout.Batch * layout.Pixels);
        }
    }
}

/// <summary>dx = scale inverse (dy - a + b (x - mean)), with a and b from <see cref="MergeGradientSums"/>. An item is a block of planes.</summary>
internal readonly unsafe struct PlaneGradient(ChannelLayout layout, float* x, float* dy, float* dx, Affine affine, float* a, float* b) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        (int plane, int end) = layout.Planes(item);
        for (; plane < end; plane++)
        {
            int c = plane % layout.Channels;
            long start = (long)plane * layout.Pixels;
            Gradient<TSimd, TVector>(x + start, dy + start, dx + start, layout.Pixels, affine.Mean[c], affine.Scale[c] * affine.Inverse[c], a[c], b[c]);
        }
    }

    // dx may be dy, so the last vector, which overlaps the one before, is computed first and stored last.
    private static void Gradient<TSimd, TVector>(float* x, float* dy, float* dx, int count, float mean, float factor, float shift, float slope)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct
    {
        TVector meanLanes = TSimd.Broadcast(mean), factorLanes = TSimd.Broadcast(factor), shiftLanes = TSimd.Broadcast(shift), slopeLanes = TSimd.Broadcast(slope);
        int lanes = Math.Min(count, TSimd.Count), end = count - lanes;
        TVector d = TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + end, lanes), meanLanes), g = TSimd.Subtract(Lanes.Load<TSimd, TVector>(dy + end, lanes), shiftLanes);
        TVector last = TSimd.Multiply(TSimd.MultiplyAdd(d, slopeLanes, g), factorLanes);
        for (int i = 0; i < end; i += TSimd.Count)
        {
            d = TSimd.Subtract(TSimd.Load(x + i), meanLanes);
            g = TSimd.Subtract(TSimd.Load(dy + i), shiftLanes);
            TSimd.Store(TSimd.Multiply(TSimd.MultiplyAdd(d, slopeLanes, g), factorLanes), dx + i);
        }
        Lanes.Store<TSimd, TVector>(last, dx + end, lanes);
    }
}

/// <summary>The gradients for feature vectors. An item is a block of channels, each lane a channel, summed in the order of the batch.</summary>
internal readonly unsafe struct FeatureBackward(ChannelLayout layout, float* x, float* dy, float* dx, Affine affine, float* dscale, float* dshift) : IHostKernel
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
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

/// <summary>The running statistics and how they move. The correction is Bessel's: what is taken from the number of values in the variance, 1 or 0.</summary>
internal readonly unsafe struct Running(float* mean, float* variance, float momentum, float epsilon, int correction)
{
    public readonly float* Mean = mean, Variance = variance;
    public readonly float Momentum = momentum, Epsilon = epsilon;
    public readonly int Correction = correction;

    /// <summary>Moves a channel's running statistics by a batch's: its mean and its sum of squared deviations of so many values. Returns 1 / sqrt(variance + epsilon).</summary>
    public float Move(int c, double mean, double square, long count)
    {
        double momentum = Momentum;
        Mean[c] = (float)((1 - momentum) * Mean[c] + momentum * mean);
        Variance[c] = (float)((1 - momentum) * Variance[c] + momentum * (square / (count - Correction)));
        return (float)(1 / Math.Sqrt(square / count + Epsilon));
    }
}

/// <summary>The gradients of one value for each channel, and dx = scale inverse (dy - a + b (x - mean)).</summary>
internal readonly unsafe struct ChannelGradients(float* dscale, float* dshift, float* a, float* b)
{
    public readonly float* A = a, B = b;

    /// <summary>Takes the sums of dy and of dy (x - mean) of a channel over so many values.</summary>
    public void Take(int c, double sum, double covariation, double inverse, double count)
    {
        dshift[c] = (float)sum;
        dscale[c] = (float)(covariation * inverse);
        A[c] = (float)(sum / count);
        B[c] = (float)(-covariation * inverse * inverse / count);
    }
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

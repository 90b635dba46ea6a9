namespace GpuConv.Kernels;

/// <summary>
/// Batch normalisation on the CPU. Images: an item is a channel. Its planes are summed one by one while each lies in the first-level
/// cache, merged in the order of the images in float64, then normalised from the second-level cache: each tensor comes from memory
/// once. Feature vectors: an item is a block of channels, each lane a channel, summed in the order of the batch.
/// </summary>
internal sealed unsafe class BatchNormalizationCpu : IBatchNormalizationKernels
{
    private readonly Device device;
    private readonly int channels;
    private readonly float epsilon;
    private readonly float momentum;

    public BatchNormalizationCpu(Device device, int channels, int maxBatch, float epsilon, float momentum)
    {
        this.device = device;
        this.channels = channels;
        this.epsilon = epsilon;
        this.momentum = momentum;
        device.Host.ReserveScratch(2L * maxBatch);
    }

    public void ForwardTraining(
        Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance,
        Tensor<float> y, Tensor<float> savedMean, Tensor<float> savedInverseDeviation)
    {
        var layout = new ChannelLayout(x.Shape[0], channels, pixels);
        var affine = new Affine(scale.Pointer, shift.Pointer, savedMean.Pointer, savedInverseDeviation.Pointer);
        var running = new Running(runningMean.Pointer, runningVariance.Pointer, momentum, epsilon);
        if (pixels == 1) device.Host.Run(new FeatureForwardTraining(layout, x.Pointer, y.Pointer, affine, running), layout.FeatureItems);
        else device.Host.Run(new ImageForwardTraining(layout, x.Pointer, y.Pointer, affine, running), channels);
    }

    public void ForwardInference(Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> shift, Tensor<float> runningMean, Tensor<float> runningVariance, Tensor<float> y)
    {
        var layout = new ChannelLayout(x.Shape[0], channels, pixels);
        var kernel = new Inference(layout, x.Pointer, y.Pointer, scale.Pointer, shift.Pointer, runningMean.Pointer, runningVariance.Pointer, epsilon);
        device.Host.Run(kernel, layout.PlaneItems);
    }

    public void Backward(
        Tensor<float> x, int pixels, Tensor<float> scale, Tensor<float> savedMean, Tensor<float> savedInverseDeviation,
        Tensor<float> dy, Tensor<float> dx, Tensor<float> dscale, Tensor<float> dshift)
    {
        var layout = new ChannelLayout(x.Shape[0], channels, pixels);
        var affine = new Affine(scale.Pointer, null, savedMean.Pointer, savedInverseDeviation.Pointer);
        var kernel = new BatchNormalizationCpuBackward(layout, x.Pointer, dy.Pointer, dx.Pointer, affine, dscale.Pointer, dshift.Pointer);
        device.Host.Run(kernel, pixels == 1 ? layout.FeatureItems : channels);
    }

    public void BackwardInference(Tensor<float> dy, int pixels, Tensor<float> scale, Tensor<float> runningVariance, Tensor<float> dx)
    {
        var layout = new ChannelLayout(dy.Shape[0], channels, pixels);
        device.Host.Run(new Inference(layout, dy.Pointer, dx.Pointer, scale.Pointer, null, null, runningVariance.Pointer, epsilon), layout.PlaneItems);
    }

    // One item owns one channel.
    private readonly struct ImageForwardTraining(ChannelLayout layout, float* x, float* y, Affine affine, Running running) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int c = item, batch = layout.Batch, pixels = layout.Pixels;
            float* means = scratch, squares = scratch + batch;
            float origin = x[layout.Plane(0, c)];
            for (int n = 0; n < batch; n++)
            {
                float* plane = x + layout.Plane(n, c);
                means[n] = LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(plane, origin), pixels) / pixels;
                squares[n] = LaneSum.Sum<SquaredDeviationTerm, TSimd, TVector>(new SquaredDeviationTerm(plane, origin, means[n]), pixels);
            }
            double mean = 0, square = 0;
            for (int n = 0; n < batch; n++) mean += means[n];
            mean /= batch;
            for (int n = 0; n < batch; n++) square += squares[n] + pixels * (means[n] - mean) * (means[n] - mean);
            long count = (long)batch * pixels;
            double variance = square / count;
            float batchMean = (float)(origin + mean), inverse = (float)(1 / Math.Sqrt(variance + running.Epsilon));
            affine.Mean[c] = batchMean;
            affine.Inverse[c] = inverse;
            running.Mean[c] = (float)((1 - (double)running.Momentum) * running.Mean[c] + running.Momentum * (origin + mean));
            running.Variance[c] = (float)((1 - (double)running.Momentum) * running.Variance[c] + running.Momentum * (square / (count - 1)));
            for (int n = 0; n < batch; n++)
            {
                long start = layout.Plane(n, c);
                AffinePlane<TSimd, TVector>(x + start, y + start, pixels, batchMean, affine.Scale[c] * inverse, affine.Shift[c]);
            }
        }
    }

    // One item owns a block of channels; each lane is a channel.
    private readonly struct FeatureForwardTraining(ChannelLayout layout, float* x, float* y, Affine affine, Running running) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int c, int end) = layout.Features(item);
            TVector batch = TSimd.Broadcast(layout.Batch), one = TSimd.Broadcast(1);
            TVector momentum = TSimd.Broadcast(running.Momentum), rest = TSimd.Broadcast(1 - running.Momentum);
            for (; c < end; c += TSimd.Count)
            {
                int lanes = Math.Min(TSimd.Count, end - c);
                TVector origin = Lanes.Load<TSimd, TVector>(x + c, lanes), sum = default, square = default;
                for (int n = 0; n < layout.Batch; n++)
                    sum = TSimd.Add(sum, TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + layout.Plane(n, c), lanes), origin));
                TVector shifted = TSimd.Divide(sum, batch);
                for (int n = 0; n < layout.Batch; n++)
                {
                    TVector d = TSimd.Subtract(TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + layout.Plane(n, c), lanes), origin), shifted);
                    square = TSimd.MultiplyAdd(d, d, square);
                }
                TVector mean = TSimd.Add(origin, shifted);
                TVector inverse = TSimd.Divide(one, TSimd.Sqrt(TSimd.Add(TSimd.Divide(square, batch), TSimd.Broadcast(running.Epsilon))));
                Lanes.Store<TSimd, TVector>(mean, affine.Mean + c, lanes);
                Lanes.Store<TSimd, TVector>(inverse, affine.Inverse + c, lanes);
                TVector oldMean = Lanes.Load<TSimd, TVector>(running.Mean + c, lanes), oldVariance = Lanes.Load<TSimd, TVector>(running.Variance + c, lanes);
                TVector unbiased = TSimd.Divide(square, TSimd.Subtract(batch, one));
                Lanes.Store<TSimd, TVector>(TSimd.MultiplyAdd(rest, oldMean, TSimd.Multiply(momentum, mean)), running.Mean + c, lanes);
                Lanes.Store<TSimd, TVector>(TSimd.MultiplyAdd(rest, oldVariance, TSimd.Multiply(momentum, unbiased)), running.Variance + c, lanes);
                TVector factor = TSimd.Multiply(Lanes.Load<TSimd, TVector>(affine.Scale + c, lanes), inverse);
                TVector shift = Lanes.Load<TSimd, TVector>(affine.Shift + c, lanes);
                for (int n = 0; n < layout.Batch; n++)
                {
                    long i = layout.Plane(n, c);
                    TVector d = TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + i, lanes), mean);
                    Lanes.Store<TSimd, TVector>(TSimd.MultiplyAdd(d, factor, shift), y + i, lanes);
                }
            }
        }
    }

    // One item owns a block of planes. Without mean and shift: the gradient, which is the same without them.
    private readonly struct Inference(ChannelLayout layout, float* x, float* y, float* scale, float* shift, float* mean, float* variance, float epsilon) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int plane, int end) = layout.Planes(item);
            for (; plane < end; plane++)
            {
                int c = plane % layout.Channels;
                float factor = scale[c] * (1 / MathF.Sqrt(variance[c] + epsilon));
                long start = (long)plane * layout.Pixels;
                AffinePlane<TSimd, TVector>(x + start, y + start, layout.Pixels, mean == null ? 0 : mean[c], factor, shift == null ? 0 : shift[c]);
            }
        }
    }

    // y = (x - mean) factor + shift. y may be x, so the last vector, which overlaps the one before, is computed first and stored last.
    private static void AffinePlane<TSimd, TVector>(float* x, float* y, int count, float mean, float factor, float shift) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector meanLanes = TSimd.Broadcast(mean), factorLanes = TSimd.Broadcast(factor), shiftLanes = TSimd.Broadcast(shift);
        int lanes = Math.Min(count, TSimd.Count), end = count - lanes;
        TVector last = TSimd.MultiplyAdd(TSimd.Subtract(Lanes.Load<TSimd, TVector>(x + end, lanes), meanLanes), factorLanes, shiftLanes);
        for (int i = 0; i < end; i += TSimd.Count)
            TSimd.Store(TSimd.MultiplyAdd(TSimd.Subtract(TSimd.Load(x + i), meanLanes), factorLanes, shiftLanes), y + i);
        Lanes.Store<TSimd, TVector>(last, y + end, lanes);
    }
}

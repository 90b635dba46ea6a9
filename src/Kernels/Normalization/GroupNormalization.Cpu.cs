using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>Group normalisation on the CPU: one item has a group of an image, whose elements lie next to each other.</summary>
internal sealed unsafe class GroupNormalizationCpu(Device device, GroupLayout layout, float epsilon) : IGroupNormalizationKernels
{
    public void Forward(int batch, Tensor<float> x, Tensor<float> scale, Tensor<float> shift, Tensor<float> y, Tensor<float> mean, Tensor<float> inverse) =>
        device.Host.Run(new ForwardKernel(layout, epsilon, x.Pointer, scale.Pointer, shift.Pointer, y.Pointer, mean.Pointer, inverse.Pointer), batch * layout.Groups);

    public void Backward(int batch, Tensor<float> x, Tensor<float> scale, Tensor<float> mean, Tensor<float> inverse, Tensor<float> dy, Tensor<float> dx, Tensor<float> scaleTerms, Tensor<float> shiftTerms) =>
        device.Host.Run(
            new BackwardKernel(layout, x.Pointer, scale.Pointer, mean.Pointer, inverse.Pointer, dy.Pointer, dx.Pointer, scaleTerms.Pointer, shiftTerms.Pointer), batch * layout.Groups);

    private readonly struct ForwardKernel(GroupLayout g, float epsilon, float* x, float* scale, float* shift, float* y, float* mean, float* inverse) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)item * g.GroupElements;
            int parameter = item % g.Groups * g.GroupParameters, length = g.RunElements;
            float origin = x[start], centre = LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(x + start, origin), g.GroupElements) / g.GroupElements;
            float factor = 1 / MathF.Sqrt(LaneSum.Sum<SquaredDeviationTerm, TSimd, TVector>(new SquaredDeviationTerm(x + start, origin, centre), g.GroupElements) / g.GroupElements + epsilon);
            (mean[item], inverse[item]) = (centre, factor);
            for (int run = 0; run < g.Runs; run++)
            {
                float* from = x + start + (long)run * length, to = y + start + (long)run * length, scales = scale + parameter + run, shifts = shift + parameter + run;
                for (int i = 0; i < length; i += TSimd.Count)
                {
                    TVector normalized = TSimd.Multiply(Centred<TSimd, TVector>(from + i, length - i, origin, centre), TSimd.Broadcast(factor));
                    Store<TSimd, TVector>(TSimd.MultiplyAdd(normalized, Parameter<TSimd, TVector>(g, scales, i, length), Parameter<TSimd, TVector>(g, shifts, i, length)), to + i, length - i);
                }
            }
        }
    }

    private readonly struct BackwardKernel(GroupLayout g, float* x, float* scale, float* mean, float* inverse, float* dy, float* dx, float* scaleTerms, float* shiftTerms) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            long start = (long)item * g.GroupElements;
            int length = g.RunElements;
            float origin = x[start], centre = mean[item], factor = inverse[item];
            float* scales = scale + item % g.Groups * g.GroupParameters, ofScale = scaleTerms + (long)item * g.GroupParameters, ofShift = shiftTerms + (long)item * g.GroupParameters;
            Terms<TSimd, TVector>(x + start, origin, centre, factor, dy + start, ofScale, ofShift);
            float gradient = SimdFold.Row<DotFold, TSimd, TVector>(scales, ofShift, g.GroupParameters) / g.GroupElements;
            float covariation = SimdFold.Row<DotFold, TSimd, TVector>(scales, ofScale, g.GroupParameters) / g.GroupElements;
            // dx = factor scale dy - factor gradient - factor^2 covariation (x - mean).
            TVector a = TSimd.Broadcast(-factor * gradient), b = TSimd.Broadcast(-factor * factor * covariation), f = TSimd.Broadcast(factor);
            for (int run = 0; run < g.Runs; run++)
            {
                float* from = x + start + (long)run * length, gradients = dy + start + (long)run * length, to = dx + start + (long)run * length;
                for (int i = 0; i < length; i += TSimd.Count)
                {
                    TVector rest = TSimd.MultiplyAdd(b, Centred<TSimd, TVector>(from + i, length - i, origin, centre), a);
                    TVector slope = TSimd.Multiply(f, Parameter<TSimd, TVector>(g, scales + run, i, length));
                    Store<TSimd, TVector>(TSimd.MultiplyAdd(slope, Load<TSimd, TVector>(gradients + i, length - i), rest), to + i, length - i);
                }
            }
        }

        private void Terms<TSimd, TVector>(float* values, float origin, float centre, float factor, float* gradients, float* ofScale, float* ofShift) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            if (g.ParameterElements > 1)
            {
                for (int p = 0; p < g.GroupParameters; p++)
                {
                    long offset = (long)p * g.ParameterElements;
                    ofShift[p] = LaneSum.Sum<DeviationTerm, TSimd, TVector>(new DeviationTerm(gradients + offset, 0), g.ParameterElements);
                    ofScale[p] = factor * LaneSum.Sum<CentredCovariationTerm, TSimd, TVector>(new CentredCovariationTerm(gradients + offset, values + offset, origin, centre), g.ParameterElements);
                }
                return;
            }
            for (int i = 0; i < g.GroupElements; i += TSimd.Count)
            {
                int count = g.GroupElements - i;
                TVector gradient = Load<TSimd, TVector>(gradients + i, count);
                Store<TSimd, TVector>(gradient, ofShift + i, count);
                Store<TSimd, TVector>(TSimd.Multiply(TSimd.Multiply(gradient, Centred<TSimd, TVector>(values + i, count, origin, centre)), TSimd.Broadcast(factor)), ofScale + i, count);
            }
        }
    }

    // Those of a vector of elements: one for all, or one for each.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Parameter<TSimd, TVector>(GroupLayout g, float* parameters, int i, int length) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        g.ParameterElements == 1 ? Load<TSimd, TVector>(parameters + i, length - i) : TSimd.Broadcast(*parameters);

    // Where fewer than a vector's elements are left, the rest is zero, and is not written.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Load<TSimd, TVector>(float* from, int count) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        count >= TSimd.Count ? TSimd.Load(from) : SimdTail.Load<TSimd, TVector>(from, count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store<TSimd, TVector>(TVector value, float* to, int count) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        if (count >= TSimd.Count) TSimd.Store(value, to);
        else SimdTail.Store<TSimd, TVector>(value, to, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Centred<TSimd, TVector>(float* from, int count, float origin, float centre) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.Subtract(TSimd.Subtract(Load<TSimd, TVector>(from, count), TSimd.Broadcast(origin)), TSimd.Broadcast(centre));

    // g[i] (x[i] - origin - centre).
    private readonly struct CentredCovariationTerm(float* g, float* x, float origin, float centre) : ILaneTerm
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVector Add<TSimd, TVector>(TVector sum, int i) where TSimd : struct, ISimd<TVector> where TVector : struct =>
            TSimd.MultiplyAdd(TSimd.Load(g + i), TSimd.Subtract(TSimd.Subtract(TSimd.Load(x + i), TSimd.Broadcast(origin)), TSimd.Broadcast(centre)), sum);

        public float Add(float sum, int i) => sum + g[i] * (x[i] - origin - centre);
    }
}

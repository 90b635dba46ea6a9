using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Group normalisation on GPUs: a group of threads has a group of an image.</summary>
internal sealed class GroupNormalizationGpu(Device device, GroupLayout layout, float epsilon) : IGroupNormalizationKernels
{
    private const int Threads = PlaneReduction.GroupSize;

    private readonly GroupKernel<ForwardKernel> forward = new(device);
    private readonly IndexKernel<TermsKernel> terms = new(device);
    private readonly GroupKernel<BackwardKernel> backward = new(device);

    public void Forward(int batch, Tensor<float> x, Tensor<float> scale, Tensor<float> shift, Tensor<float> y, Tensor<float> mean, Tensor<float> inverse) =>
        forward.Launch(new KernelConfig(batch * layout.Groups, Threads), new ForwardKernel(layout, epsilon, x.View, scale.View, shift.View, y.View, mean.View, inverse.View));

    public void Backward(int batch, Tensor<float> x, Tensor<float> scale, Tensor<float> mean, Tensor<float> inverse, Tensor<float> dy, Tensor<float> dx, Tensor<float> scaleTerms, Tensor<float> shiftTerms)
    {
        terms.Launch(batch * layout.Parameters, new TermsKernel(layout, x.View, mean.View, inverse.View, dy.View, scaleTerms.View, shiftTerms.View));
        backward.Launch(new KernelConfig(batch * layout.Groups, Threads), new BackwardKernel(layout, x.View, scale.View, mean.View, inverse.View, dy.View, dx.View, scaleTerms.View, shiftTerms.View));
    }

    // The sum of one value of each thread, for all of them.
    private static float Total(ArrayView<float> lanes, int lane, float value)
    {
        float total = PlaneReduction.GroupSum(lanes, lane, value);
        if (lane == 0) lanes[0] = total;
        Group.Barrier();
        total = lanes[0];
        Group.Barrier();
        return total;
    }

    internal readonly struct ForwardKernel(GroupLayout g, float epsilon, ArrayView<float> x, ArrayView<float> scale, ArrayView<float> shift, ArrayView<float> y, ArrayView<float> mean, ArrayView<float> inverse) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(Threads);
            int lane = Group.IdxX, group = Grid.IdxX, start = group * g.GroupElements, parameter = group % g.Groups * g.GroupParameters;
            float origin = x[start], sum = 0;
            for (int i = lane; i < g.GroupElements; i += Threads) sum += x[start + i] - origin;
            float centre = Total(lanes, lane, sum) / g.GroupElements;
            sum = 0;
            for (int i = lane; i < g.GroupElements; i += Threads)
            {
                float d = x[start + i] - origin - centre;
                sum += d * d;
            }
            float factor = 1 / XMath.Sqrt(Total(lanes, lane, sum) / g.GroupElements + epsilon);
            if (lane == 0)
            {
                mean[group] = centre;
                inverse[group] = factor;
            }
            for (int i = lane; i < g.GroupElements; i += Threads)
            {
                int p = parameter + i / g.ParameterElements;
                y[start + i] = (x[start + i] - origin - centre) * factor * scale[p] + shift[p];
            }
        }
    }

    // One index owns a parameter's elements of an image.
    internal readonly struct TermsKernel(GroupLayout g, ArrayView<float> x, ArrayView<float> mean, ArrayView<float> inverse, ArrayView<float> dy, ArrayView<float> scaleTerms, ArrayView<float> shiftTerms) : IIndexKernel
    {
        public void Run(int i)
        {
            int start = i * g.ParameterElements, group = start / g.GroupElements;
            float origin = x[group * g.GroupElements], centre = mean[group], sum = 0, covariation = 0;
            for (int j = start; j < start + g.ParameterElements; j++)
            {
                sum += dy[j];
                covariation += dy[j] * (x[j] - origin - centre);
            }
            shiftTerms[i] = sum;
            scaleTerms[i] = covariation * inverse[group];
        }
    }

    internal readonly struct BackwardKernel(
        GroupLayout g, ArrayView<float> x, ArrayView<float> scale, ArrayView<float> mean, ArrayView<float> inverse, ArrayView<float> dy, ArrayView<float> dx, ArrayView<float> scaleTerms, ArrayView<float> shiftTerms) : IGroupKernel
    {
        public void Run()
        {
            ArrayView<float> lanes = SharedMemory.Allocate<float>(Threads);
            int lane = Group.IdxX, group = Grid.IdxX, start = group * g.GroupElements, parameter = group % g.Groups * g.GroupParameters, first = group * g.GroupParameters;
            float gradient = 0, covariation = 0;
            for (int i = lane; i < g.GroupParameters; i += Threads)
            {
                gradient += scale[parameter + i] * shiftTerms[first + i];
                covariation += scale[parameter + i] * scaleTerms[first + i];
            }
            gradient = Total(lanes, lane, gradient) / g.GroupElements;
            covariation = Total(lanes, lane, covariation) / g.GroupElements;
            float origin = x[start], centre = mean[group], factor = inverse[group];
            for (int i = lane; i < g.GroupElements; i += Threads)
            {
                float normalized = (x[start + i] - origin - centre) * factor;
                dx[start + i] = factor * (scale[parameter + i / g.ParameterElements] * dy[start + i] - gradient - normalized * covariation);
            }
        }
    }
}

using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The map of Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391, equation 2): map[n,h,w] = max(0, sum over c of weights[n,c] x[n,c,h,w]), summed in
/// ascending order of the channels.
/// </summary>
public sealed class ClassActivationMap
{
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ClassActivationMap(Device device) => kernel = new(device);

    /// <summary>The maps. Overwrites map.</summary>
    /// <param name="x">Activations (N, C, H, W).</param>
    /// <param name="weights">The channels' weights (N, C).</param>
    /// <param name="map">(N, H, W).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Forward(Tensor<float> x, Tensor<float> weights, Tensor<float> map)
    {
        if (x.Shape.Rank != 4) throw new ArgumentException($"Activations are (batch, channel, height, width), not {x.Shape}.", nameof(x));
        int images = x.Shape[0], channels = x.Shape[1], pixels = x.Shape[2] * x.Shape[3];
        Require.Shape(weights, new Shape(images, channels));
        Require.Shape(map, new Shape(images, x.Shape[2], x.Shape[3]));
        if (map.Count == 0) return;
        kernel.Launch(map.Count, new Kernel(channels, pixels, x.View, weights.View, map.View), pixels);
    }

    // One index owns one pixel of a map.
    internal readonly struct Kernel(int channels, int pixels, ArrayView<float> x, ArrayView<float> weights, ArrayView<float> map) : ISpanKernel
    {
        public void Run(int i)
        {
            int image = i / pixels, pixel = i - image * pixels;
            float sum = 0;
            for (int c = 0; c < channels; c++) sum += weights[image * channels + c] * x[(image * channels + c) * pixels + pixel];
            map[i] = sum < 0 ? 0 : sum;
        }

        // One span is one map.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int image = from / pixels;
            float* activations = x.Start() + (long)image * channels * pixels, factors = weights.Start() + (long)image * channels, pixel = map.Start() + from;
            for (int i = 0; i < pixels; i++)
            {
                float sum = 0;
                for (int c = 0; c < channels; c++) sum += factors[c] * activations[c * pixels + i];
                pixel[i] = sum < 0 ? 0 : sum;
            }
        }
    }
}

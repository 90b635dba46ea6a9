using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Noise patterns that are each added to many images (Moosavi-Dezfooli et al. 2017, arXiv 1610.08401), and the step that learns them: each pattern goes by the sign of the sum of its images'
/// gradients and stays within epsilon (Shafahi et al. 2020, arXiv 1811.11304). Where an image's pixel is cut to 0..1, its gradient counts only if it leads back: what pushes a pixel farther out changes
/// nothing, but would hide from the pattern what it could do on the other side.
/// </summary>
public sealed class UniversalNoise
{
    private readonly SpanKernel<Sum> add;
    private readonly SpanKernel<Ascent> step;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public UniversalNoise(Device device) => (add, step) = (new(device), new(device));

    /// <summary>x[p B + b] = min(max(images[b] + patterns[p], 0), 1): every pattern on every image, pattern after pattern. Overwrites x.</summary>
    /// <param name="images">Images (B, …), 0 to 1.</param>
    /// <param name="patterns">Patterns (P, …) of an image's shape.</param>
    /// <param name="x">(P B, …).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Add(Tensor<float> images, Tensor<float> patterns, Tensor<float> x)
    {
        (int batch, int pixels) = Check(images, patterns, x);
        add.Launch(x.Count, new Sum(batch, pixels, images.View, patterns.View, x.View), pixels);
    }

    /// <summary>
    /// patterns[p] = min(max(patterns[p] + size sign(s), -epsilon), epsilon), where s is the sum over b, in order, of gradient[p B + b], but for negative ones where images[b] + patterns[p] is below 0 and
    /// positive ones where it is above 1. Updates patterns.
    /// </summary>
    /// <param name="patterns">Patterns (P, …).</param>
    /// <param name="gradient">What to climb (P B, …), the gradient to what <see cref="Add"/> gave.</param>
    /// <param name="images">The images (B, …) that it was given.</param>
    /// <param name="size">How far, not negative.</param>
    /// <param name="epsilon">The bound.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Step(Tensor<float> patterns, Tensor<float> gradient, Tensor<float> images, float size, float epsilon)
    {
        (int batch, int pixels) = Check(images, patterns, gradient);
        step.Launch(patterns.Count, new Ascent(new Geometry(batch, pixels, size, epsilon), patterns.View, gradient.View, images.View), pixels);
    }

    private static (int Batch, int Pixels) Check(Tensor<float> images, Tensor<float> patterns, Tensor<float> x)
    {
        int count = patterns.Shape[0], batch = images.Shape[0];
        Require.Shape(patterns, images.Shape.WithLeading(count));
        Require.Shape(x, images.Shape.WithLeading(count * batch));
        return (batch, batch == 0 ? 0 : images.Count / batch);
    }

    /// <summary>What kernels need to know.</summary>
    internal readonly struct Geometry(int batch, int pixels, float size, float epsilon)
    {
        public readonly int Batch = batch, Pixels = pixels;
        private readonly float size = size, epsilon = epsilon;

        public float Moved(float noise, float slope)
        {
            float moved = slope > 0 ? noise + size : slope < 0 ? noise - size : noise;
            moved = moved < -epsilon ? -epsilon : moved;
            return moved > epsilon ? epsilon : moved;
        }
    }

    // One index owns one element of x.
    internal readonly struct Sum(int batch, int pixels, ArrayView<float> images, ArrayView<float> patterns, ArrayView<float> x) : ISpanKernel
    {
        public void Run(int i)
        {
            int row = i / pixels, pixel = i - row * pixels, pattern = row / batch, image = row - pattern * batch;
            float sum = images[image * pixels + pixel] + patterns[pattern * pixels + pixel];
            sum = sum < 0 ? 0 : sum;
            x[i] = sum > 1 ? 1 : sum;
        }

        // One span is one image of x.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int row = from / pixels;
            float* image = images.Start() + (long)(row % batch) * pixels, pattern = patterns.Start() + (long)(row / batch) * pixels, sum = x.Start() + from;
            for (int i = 0; i < pixels; i++) sum[i] = Math.Min(Math.Max(image[i] + pattern[i], 0), 1);
        }
    }

    // One index owns one element of a pattern.
    internal readonly struct Ascent(Geometry g, ArrayView<float> patterns, ArrayView<float> gradient, ArrayView<float> images) : ISpanKernel
    {
        public void Run(int i)
        {
            int pattern = i / g.Pixels, pixel = i - pattern * g.Pixels;
            float noise = patterns[i], sum = 0;
            for (int b = 0; b < g.Batch; b++)
            {
                float at = images[b * g.Pixels + pixel] + noise, slope = gradient[(pattern * g.Batch + b) * g.Pixels + pixel];
                bool isOut = (at < 0 && slope < 0) || (at > 1 && slope > 0);
                if (!isOut) sum += slope;
            }
            patterns[i] = g.Moved(noise, sum);
        }

        // One span is one pattern. Scalar: one addition for each pixel that the network's pass spends tens of thousands on.
        public unsafe void Run<TSimd, TVector>(int from, int to) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            float* pattern = patterns.Start() + from, slopes = gradient.Start() + (long)from * g.Batch, image = images.Start();
            for (int i = 0; i < g.Pixels; i++)
            {
                float noise = pattern[i], sum = 0;
                for (int b = 0; b < g.Batch; b++)
                {
                    float at = image[(long)b * g.Pixels + i] + noise, slope = slopes[(long)b * g.Pixels + i];
                    bool isOut = (at < 0 && slope < 0) || (at > 1 && slope > 0);
                    if (!isOut) sum += slope;
                }
                pattern[i] = g.Moved(noise, sum);
            }
        }
    }
}

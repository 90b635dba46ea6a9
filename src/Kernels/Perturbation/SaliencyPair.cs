using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// The adversarial saliency map of pairs of pixels (Papernot et al. 2016, arXiv 1511.07528, equation 10): of all pairs p, q in the search domain whose joint derivative
/// alpha of the target's score has the step's sign, and whose joint derivative beta of the other scores has the opposite one, the pair with the largest |alpha beta|. Of equal pairs
/// the first counts. N P^2 / 2 pairs are looked at.
/// </summary>
public sealed class SaliencyPair
{
    private readonly IndexKernel<Partner> partner;
    private readonly IndexKernel<Pair> pair;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public SaliencyPair(Device device) => (partner, pair) = (new(device), new(device));

    /// <summary>Moves the pair of each image by theta, cuts it to 0..1 and takes it out of the domain. Updates x, domain and found; overwrites values and partners.</summary>
    /// <param name="target">The derivative of the target's score (N, P).</param>
    /// <param name="others">That of the sum of all other scores (N, P).</param>
    /// <param name="theta">The step; negative: pixels are darkened.</param>
    /// <param name="x">The images (N, P).</param>
    /// <param name="domain">1 where a pixel may still be changed, else 0 (N, P).</param>
    /// <param name="found">On entry whether an image is still searched, on return whether a pair was found: 1 or 0 (N).</param>
    /// <param name="values">Working memory (N, P).</param>
    /// <param name="partners">Working memory (N, P).</param>
    /// <exception cref="ArgumentException">The shapes do not fit together.</exception>
    public void Step(Tensor<float> target, Tensor<float> others, float theta, Tensor<float> x, Tensor<float> domain, Tensor<int> found, Tensor<float> values, Tensor<int> partners)
    {
        int images = x.Shape[0];
        Require.SameCount(target, x);
        Require.SameCount(others, x);
        Require.SameCount(domain, x);
        Require.SameCount(values, x);
        Require.Shape(found, new Shape(images));
        if (partners.Count != x.Count) throw new ArgumentException($"partners is {partners.Shape} and x is {x.Shape}: they need as many elements.", nameof(partners));
        if (x.Count == 0) return;
        var search = new Search(x.Count / images, theta);
        partner.Launch(x.Count, new Partner(search, target.View, others.View, domain.View, values.View, partners.View), search.Pixels);
        pair.Launch(images, new Pair(search, values.View, partners.View, x.View, domain.View, found.View));
    }

    // One index owns one pixel of one image: its best partner behind it.
    internal readonly struct Partner(Search search, ArrayView<float> target, ArrayView<float> others, ArrayView<float> domain, ArrayView<float> values, ArrayView<int> partners) : IIndexKernel
    {
        public void Run(int i)
        {
            int image = i / search.Pixels, end = (image + 1) * search.Pixels, best = -1;
            float largest = 0, alpha = search.Sign * target[i], beta = search.Sign * others[i];
            for (int q = i + 1; q < end && domain[i] > 0; q++)
            {
                float a = alpha + search.Sign * target[q], b = beta + search.Sign * others[q];
                float value = a > 0 && b < 0 ? -(a * b) : 0f;
                if (domain[q] > 0 && value > largest)
                {
                    largest = value;
                    best = q;
                }
            }
            values[i] = largest;
            partners[i] = best;
        }
    }

    // One index owns one image.
    internal readonly struct Pair(Search search, ArrayView<float> values, ArrayView<int> partners, ArrayView<float> x, ArrayView<float> domain, ArrayView<int> found) : IIndexKernel
    {
        public void Run(int n)
        {
            if (found[n] == 0) return;
            int start = n * search.Pixels, best = -1;
            float largest = 0;
            for (int i = start; i < start + search.Pixels; i++)
            {
                if (!(values[i] > largest)) continue;
                largest = values[i];
                best = i;
            }
            found[n] = best < 0 ? 0 : 1;
            if (best < 0) return;
            int other = partners[best];
            x[best] = Moved(x[best], search.Theta);
            x[other] = Moved(x[other], search.Theta);
            domain[best] = 0;
            domain[other] = 0;
        }
    }

    private static float Moved(float x, float theta)
    {
        float moved = x + theta;
        moved = moved > 0 ? moved : 0;
        return moved < 1 ? moved : 1;
    }

    /// <summary>What kernels need to know.</summary>
    internal readonly struct Search(int pixels, float theta)
    {
        public readonly int Pixels = pixels;
        public readonly float Theta = theta, Sign = theta < 0 ? -1 : 1;
    }
}

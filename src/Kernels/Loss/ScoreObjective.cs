using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// An <see cref="ObjectiveKind"/> of each row of scores and its gradient, for rows that follow labels of their own. Where several scores are the largest other
/// one, the first counts. A label outside 0..C-1 makes its value and gradients NaN, so that it is seen.
/// </summary>
public sealed class ScoreObjective
{
    private readonly SoftmaxCrossEntropy crossEntropy;
    private readonly SpanKernel<Kernel> kernel;

    /// <summary>Prepares the operator for a device.</summary>
    /// <param name="device">The device it runs on.</param>
    public ScoreObjective(Device device) => (crossEntropy, kernel) = (new(device), new(device));

    /// <summary>The objective of each row, and scale times its gradient to the row's scores. Overwrites values and dscores.</summary>
    /// <param name="kind">The objective.</param>
    /// <param name="scores">Scores (N, C).</param>
    /// <param name="labels">The label of each row (N).</param>
    /// <param name="scale">The factor of the gradient; negative to descend.</param>
    /// <param name="values">The objectives, without the factor (N).</param>
    /// <param name="dscores">The gradient (N, C); not <paramref name="scores"/>.</param>
    /// <exception cref="ArgumentException">The shapes do not fit together, or there are too few classes for the objective.</exception>
    public void ForwardBackward(ObjectiveKind kind, Tensor<float> scores, Tensor<int> labels, float scale, Tensor<float> values, Tensor<float> dscores)
    {
        if (kind == ObjectiveKind.CrossEntropy)
        {
            crossEntropy.ForwardBackward(scores, labels, scale, values, dscores);
            return;
        }
        (int rows, int columns) = SoftmaxCrossEntropy.Check(scores, labels, values);
        Require.Shape(dscores, scores.Shape);
        int least = kind switch { ObjectiveKind.Margin => 2, ObjectiveKind.LogitRatio => 3, _ => 1 };
        if (columns < least) throw new ArgumentException($"scores is {scores.Shape}: {kind} needs at least {least} classes.", nameof(scores));
        kernel.Launch(rows, new Kernel(columns, kind, scale, scores.View, labels.View, values.View, dscores.View), SoftmaxRow.Block(columns));
    }

    // One index owns one row.
    internal readonly struct Kernel(int columns, ObjectiveKind kind, float scale, ArrayView<float> scores, ArrayView<int> labels, ArrayView<float> values, ArrayView<float> dscores) : ISpanKernel
    {
        public void Run(int i)
        {
            int start = i * columns, label = labels[i];
            if (label < 0 || label >= columns)
            {
                values[i] = float.NaN;
                for (int j = 0; j < columns; j++) dscores[start + j] = float.NaN;
                return;
            }
            float score = scores[start + label];
            if (kind == ObjectiveKind.Probability)
            {
                float max = SoftmaxRow.Max(scores, start, columns), others = SoftmaxRow.SumOfExponentials(scores, start, columns, max, label), own = XMath.Exp(score - max);
                float sum = others + own, probability = own / sum;
                values[i] = probability;
                // At the label 1 - p, from the others: near 1 the difference would be lost.
                for (int j = 0; j < columns; j++) dscores[start + j] = scale * probability * (j == label ? others : -XMath.Exp(scores[start + j] - max)) / sum;
                return;
            }
            for (int j = 0; j < columns; j++) dscores[start + j] = 0;
            if (kind == ObjectiveKind.Logit)
            {
                values[i] = score;
                dscores[start + label] = scale;
                return;
            }
            int other = LargestExcept(scores, start, columns, label, -1);
            float margin = scores[start + other] - score;
            if (kind == ObjectiveKind.Margin)
            {
                values[i] = margin;
                dscores[start + other] = scale;
                dscores[start + label] = -scale;
                return;
            }
            // Of all: the first, second and third, of which label and other are two wherever the label is among them.
            int first = LargestExcept(scores, start, columns, -1, -1), second = LargestExcept(scores, start, columns, first, -1), third = LargestExcept(scores, start, columns, first, second);
            float lead = scores[start + first] - scores[start + third], ratio = margin / lead;
            values[i] = ratio;
            dscores[start + other] = scale / lead;
            dscores[start + label] = -(scale / lead);
            dscores[start + first] -= scale * ratio / lead;
            dscores[start + third] += scale * ratio / lead;
        }

        private static int LargestExcept(ArrayView<float> scores, int start, int columns, int a, int b)
        {
            int best = -1;
            float largest = float.NegativeInfinity;
            for (int j = 0; j < columns; j++)
            {
                if (j == a || j == b) continue;
                float score = scores[start + j];
                if (best >= 0 && score <= largest) continue;
                best = j;
                largest = score;
            }
            return best;
        }

        public unsafe void Run<TSimd, TVector>(int first, int end) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int i = first; i < end; i++)
            {
                var z = new ReadOnlySpan<float>(scores.Start() + (long)i * columns, columns);
                var dz = new Span<float>(dscores.Start() + (long)i * columns, columns);
                int label = labels.Start()[i];
                values.Start()[i] = (uint)label < (uint)columns ? Row<TSimd, TVector>(z, label, dz) : Unknown(dz);
            }
        }

        private static float Unknown(Span<float> dz)
        {
            dz.Fill(float.NaN);
            return float.NaN;
        }

        private unsafe float Row<TSimd, TVector>(ReadOnlySpan<float> z, int label, Span<float> dz) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            if (kind == ObjectiveKind.Probability)
            {
                fixed (float* from = z, to = dz)
                {
                    float max = SoftmaxRow.Max<TSimd, TVector>(from, columns);
                    float others = SoftmaxRow.Exponentials<TSimd, TVector>(from, max, to, columns, label), own = SoftmaxRow.Exp<TSimd, TVector>(z[label] - max);
                    float sum = others + own, probability = own / sum;
                    for (int j = 0; j < columns; j++) dz[j] = scale * probability * (j == label ? others : -dz[j]) / sum;
                    return probability;
                }
            }
            dz.Clear();
            if (kind == ObjectiveKind.Logit)
            {
                dz[label] = scale;
                return z[label];
            }
            int other = LargestExcept(z, label, -1);
            float margin = z[other] - z[label];
            if (kind == ObjectiveKind.Margin)
            {
                (dz[other], dz[label]) = (scale, -scale);
                return margin;
            }
            int first = LargestExcept(z, -1, -1), second = LargestExcept(z, first, -1), third = LargestExcept(z, first, second);
            float lead = z[first] - z[third], ratio = margin / lead;
            (dz[other], dz[label]) = (scale / lead, -(scale / lead));
            dz[first] -= scale * ratio / lead;
            dz[third] += scale * ratio / lead;
            return ratio;
        }

        private static int LargestExcept(ReadOnlySpan<float> z, int a, int b)
        {
            int best = -1;
            for (int j = 0; j < z.Length; j++)
                if (j != a && j != b && (best < 0 || !(z[j] <= z[best]))) best = j;
            return best;
        }
    }
}

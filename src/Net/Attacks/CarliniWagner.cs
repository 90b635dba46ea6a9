using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Carlini and Wagner's attack in the Euclidean norm (2017, arXiv 1608.04644): minimises the perturbation's squared length plus c times max(0, kappa minus the margin by which the network is
/// fooled), over w with image = (tanh w + 1) / 2, by Adam. The constant c is found for each image by bisection, as in the authors' program; so are the steps'
/// early ends.
/// </summary>
public sealed record CarliniWagner : IAttack
{
    // The authors' program: by how much the loss has to have fallen; images of 0 and 1 stay where tanh has a slope.
    private const float StillFalling = 0.9999f;
    private const double Inside = 0.999999;

    /// <inheritdoc/>
    public string Name => "cw";

    /// <inheritdoc/>
    public PerturbationNorm Norm => PerturbationNorm.L2;

    /// <inheritdoc/>
    public float? Epsilon { get; init; }

    /// <inheritdoc/>
    public bool IsMinimal => true;

    /// <summary>The steps for each c at most; they end early for an image whose loss no longer falls.</summary>
    public int Steps { get; init; } = 1000;

    /// <summary>How many values of c are tried.</summary>
    public int SearchSteps { get; init; } = 9;

    /// <summary>The first value of c.</summary>
    public float InitialConstant { get; init; } = 1e-3f;

    /// <summary>Adam's rate.</summary>
    public float LearningRate { get; init; } = 0.01f;

    /// <summary>Kappa: the margin that scores are to differ by.</summary>
    public float Confidence { get; init; }

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        int count = batch.Count;
        Descent descent = new(batch, this);
        var constants = new ConstantSearch(count, InitialConstant);
        float[] best = new float[count];
        Array.Fill(best, float.PositiveInfinity);
        batch.Memory("best").CopyFrom(batch.Originals);
        for (int search = 0; search < SearchSteps; search++)
            constants.Next(descent.Run(constants.Constants, best));
        batch.Images.CopyFrom(batch.Memory("best"));
    }

    /// <summary>The descents of one batch.</summary>
    private sealed class Descent
    {
        private readonly AttackBatch batch;
        private readonly CarliniWagner attack;
        private readonly Adam adam;
        private readonly Activation tanh;
        private readonly Elementwise elementwise;
        private readonly ImageNorm norm;
        private readonly ImageAxpby axpby;
        private readonly ImageSelect select;
        private readonly float[] start;

        public Descent(AttackBatch batch, CarliniWagner attack)
        {
            (this.batch, this.attack) = (batch, attack);
            adam = batch.Operator(d => new Adam(d, new AdamOptions()));
            tanh = batch.Operator(Activation.Tanh);
            elementwise = batch.Operator(d => new Elementwise(d));
            norm = batch.Operator(d => new ImageNorm(d));
            axpby = batch.Operator(d => new ImageAxpby(d));
            select = batch.Operator(d => new ImageSelect(d));
            start = [.. batch.Originals.ToArray().Select(x => (float)Math.Atanh((2.0 * x - 1) * Inside))];
        }

        // For each image whether it was fooled; a better one replaces the best.
        public bool[] Run(IReadOnlyList<float> constants, float[] best)
        {
            int count = batch.Count;
            Tensor<float> w = batch.Memory("w"), mean = batch.Memory("mean"), square = batch.Memory("square"), t = batch.Memory("tanh"), half = batch.Memory("half"), dw = batch.Memory("dw");
            w.CopyFrom(start);
            elementwise.Fill(mean, 0);
            elementwise.Fill(square, 0);
            elementwise.Fill(half, 0.5f);
            bool[] found = new bool[count], active = new bool[count];
            float[] previous = new float[count], factors = new float[count];
            Array.Fill(active, true);
            Array.Fill(previous, float.PositiveInfinity);
            int between = Math.Max(1, attack.Steps / 10);
            for (int step = 1; step <= attack.Steps && active.Contains(true); step++)
            {
                tanh.Forward(w, t);
                elementwise.AddScaled(half, 0.5f, t, batch.Images);
                elementwise.AddScaled(batch.Images, -1, batch.Originals, dw);
                norm.Squares(dw, batch.Values);
                float[] lengths = batch.Values.ToArray();
                // Downhill is towards a larger margin.
                batch.Follow(ObjectiveKind.Margin, batch.Targeted ? 1 : -1);
                float[] margins = batch.Margins();
                var better = new int[count];
                for (int n = 0; n < count; n++)
                {
                    float missing = attack.Confidence - margins[n], loss = lengths[n] + constants[n] * Math.Max(0, missing);
                    factors[n] = missing > 0 ? 0.5f * constants[n] : 0;
                    if (!active[n]) continue;
                    if (missing < 0)
                    {
                        found[n] = true;
                        if (lengths[n] < best[n]) (best[n], better[n]) = (lengths[n], 1);
                    }
                    if (step % between != 0) continue;
                    active[n] = !(loss > previous[n] * StillFalling);
                    previous[n] = loss;
                }
                select.Copy(batch.OnDevice<int>(better), batch.Images, batch.Memory("best"));
                // The gradient to the image, halved for the half of the tanh.
                axpby.Add(dw, 1, batch.OnDevice<float>(factors), batch.Gradient);
                tanh.Backward(w, t, dw, dw);
                adam.Step(w, dw, mean, square, attack.LearningRate, step);
            }
            return found;
        }
    }
}

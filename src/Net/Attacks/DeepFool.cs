using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// DeepFool (Moosavi-Dezfooli et al. 2016, arXiv 1511.04599): the nearest decision boundary of the network made linear, again and again until the image is beyond it. The steps are summed,
/// and the sum is taken a little too far. For the largest change in place of the Euclidean length, by its section 3.3. Images are cut to 0..1, which takes back a part of a step: each goes a ten-thousandth too far, as in
/// the authors' program, so that boundaries are crossed and not only neared.
/// </summary>
public sealed record DeepFool : IAttack
{
    // The authors' program: how much longer each step is.
    private const float Beyond = 1e-4f;

    /// <inheritdoc/>
    public string Name => "deepfool";

    /// <summary>The norm that is made small: the Euclidean length or the largest change.</summary>
    public PerturbationNorm Norm { get; init; } = PerturbationNorm.L2;

    /// <inheritdoc/>
    public float? Epsilon { get; init; }

    /// <inheritdoc/>
    public bool IsMinimal => true;

    /// <inheritdoc/>
    public bool CanTarget => false;

    /// <summary>The largest number of steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>How much too far the sum of the steps is taken.</summary>
    public float Overshoot { get; init; } = 0.02f;

    /// <summary>How many classes count, the most probable of the image, its own among them.</summary>
    public int Candidates { get; init; } = 10;

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        bool euclidean = Norm == PerturbationNorm.L2;
        ImageNorm norm = batch.Operator(d => new ImageNorm(d));
        ImageAxpby axpby = batch.Operator(d => new ImageAxpby(d));
        ImageSelect select = batch.Operator(d => new ImageSelect(d));
        Elementwise elementwise = batch.Operator(d => new Elementwise(d));
        batch.Unbound();
        elementwise.Fill(batch.Memory("total"), 0);
        batch.Score();
        int[][] others = batch.OtherClasses();
        int candidates = Math.Min(Candidates, batch.Classes) - 1;
        for (int step = 0; step < Steps && batch.Count > 0; step++)
        {
            float[] scores = batch.Scores.ToArray(), nearest = new float[batch.Count], factors = new float[batch.Count];
            bool[] open = [.. batch.Margins().Select(m => !(m > 0))];
            Array.Fill(nearest, float.PositiveInfinity);
            for (int candidate = 0; candidate < candidates; candidate++)
            {
                var difference = new float[scores.Length];
                for (int n = 0; n < batch.Count; n++)
                {
                    difference[n * batch.Classes + others[n][candidate]] = 1;
                    difference[n * batch.Classes + batch.LabelsOnHost[n]] = -1;
                }
                batch.FollowScores(difference);
                if (euclidean) norm.Squares(batch.Gradient, batch.Values);
                else norm.Absolutes(batch.Gradient, batch.Values);
                float[] sums = batch.Values.ToArray();
                var closer = new int[batch.Count];
                for (int n = 0; n < batch.Count; n++)
                {
                    float gap = MathF.Abs(scores[n * batch.Classes + others[n][candidate]] - scores[n * batch.Classes + batch.LabelsOnHost[n]]);
                    float slope = euclidean ? MathF.Sqrt(sums[n]) : sums[n], distance = gap / slope;
                    if (!open[n] || !(distance < nearest[n])) continue;
                    // Along the gradient, or its signs.
                    (nearest[n], factors[n], closer[n]) = (distance, (distance + Beyond) / (euclidean ? slope : 1), 1);
                }
                select.Copy(batch.OnDevice<int>(closer), batch.Gradient, batch.Memory("direction"));
            }
            Tensor<float> total = batch.Memory("total");
            axpby.Add(total, 1, batch.OnDevice<float>(factors), batch.Memory("direction"), signs: !euclidean);
            elementwise.AddScaled(batch.Originals, 1 + Overshoot, total, batch.Images);
            batch.Project(batch.Images, PerturbationNorm.Linf, 1);
            batch.Score();
            bool[] fooled = [.. batch.Margins().Select(m => m > 0)];
            if (2 * fooled.Count(f => f) < batch.Count) continue;
            others = [.. batch.Retire(fooled).Select(n => others[n])];
            if (batch.Count > 0) batch.Score();
        }
    }
}

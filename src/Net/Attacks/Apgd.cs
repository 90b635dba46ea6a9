using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// Auto-PGD (Croce and Hein 2020, arXiv 2003.01690): projected gradient descent with momentum, whose step is halved for an image when its loss has stopped rising, going back to the best place so
/// far. On the cross-entropy (<see cref="Ce"/>), on the difference-of-logits ratio, or on the ratio towards each of the most probable other classes in turn
/// (<see cref="T"/>). Checkpoints, factors and order as in the authors' program, but that the first checkpoint counts the rise from the start, as in their paper.
/// </summary>
public sealed record Apgd : IAttack
{
    // Their sections 3.1 and 3.2: shares of the steps between checkpoints, the weight of the new direction.
    private const double FirstInterval = 0.22, IntervalFall = 0.03, LeastInterval = 0.06;
    private const float Weight = 0.75f;

    /// <inheritdoc/>
    public string Name { get; private init; } = "apgd-dlr";

    /// <inheritdoc/>
    public PerturbationNorm Norm { get; init; } = PerturbationNorm.Linf;

    /// <summary>The bound on the perturbation, on images of 0 to 1.</summary>
    public required float Epsilon { get; init; }

    float? IAttack.Epsilon => Epsilon;

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 100;

    /// <inheritdoc/>
    public int Restarts { get; init; } = 1;

    /// <summary>The share of steps between checkpoints that must have raised the loss, or the step is halved.</summary>
    public float Rho { get; init; } = 0.75f;

    /// <summary>What is climbed: the cross-entropy or the difference-of-logits ratio.</summary>
    public ObjectiveKind Objective { get; init; } = ObjectiveKind.LogitRatio;

    /// <summary>How many other classes are aimed at in turn, the most probable first; 0: none, the objective is that of leaving the class.</summary>
    public int TargetClasses { get; init; }

    /// <summary>APGD-CE.</summary>
    /// <param name="epsilon">The bound.</param>
    /// <param name="norm">Its norm.</param>
    public static Apgd Ce(float epsilon, PerturbationNorm norm = PerturbationNorm.Linf) => new() { Name = "apgd-ce", Epsilon = epsilon, Norm = norm, Objective = ObjectiveKind.CrossEntropy };

    /// <summary>APGD-T. The ratio needs four classes; with fewer, the difference of the two scores takes its place.</summary>
    /// <param name="epsilon">The bound.</param>
    /// <param name="norm">Its norm.</param>
    public static Apgd T(float epsilon, PerturbationNorm norm = PerturbationNorm.Linf) => new() { Name = "apgd-t", Epsilon = epsilon, Norm = norm, TargetClasses = 9 };

    /// <inheritdoc/>
    public int Tries(int classes, bool targeted) => Restarts * (targeted ? 1 : Math.Clamp(TargetClasses, 1, classes - 1));

    /// <inheritdoc/>
    public IAttack Scaled(float share) => this with { Epsilon = share * Epsilon };

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ImageSelect select = batch.Operator(d => new ImageSelect(d));
        batch.Bound(Epsilon);
        // Towards a class, from another: those given, or the network's answer for the images as they are.
        (int[] From, int[] To)? pair = null;
        if (TargetClasses > 0)
        {
            batch.Score();
            int[][] others = batch.OtherClasses();
            pair = batch.Targeted ? ([.. others.Select(o => o[0])], [.. batch.LabelsOnHost]) : ([.. batch.LabelsOnHost], [.. others.Select(o => o[restart / Restarts % o.Length])]);
        }
        int count = batch.Count;
        Tensor<float> bestImages = batch.Memory("best"), bestGradients = batch.Memory("best gradient"), fooling = batch.Memory("fooling"), before = batch.Memory("before");
        float[] sizes = new float[count];
        Array.Fill(sizes, 2 * Epsilon);
        batch.StartAtRandom(Norm, Epsilon, restart);
        before.CopyFrom(batch.Images);
        float[] values = Evaluate(batch, pair), best = [.. values], bestBefore = [.. values];
        bestImages.CopyFrom(batch.Images);
        bestGradients.CopyFrom(batch.Gradient);
        fooling.CopyFrom(batch.Images);
        bool[] fooled = [.. batch.Margins().Select(m => m > 0)], halved = new bool[count];
        Array.Fill(halved, true);
        var rises = new int[count];
        int interval = Math.Max(1, (int)(FirstInterval * Steps)), since = 0;
        for (int step = 0; step < Steps; step++)
        {
            Move(batch, sizes, step > 0 ? Weight : 1);
            float[] now = Evaluate(batch, pair), margins = batch.Margins();
            int[] better = new int[count], foolingNow = new int[count];
            for (int n = 0; n < count; n++)
            {
                if (now[n] > values[n]) rises[n]++;
                if (margins[n] > 0) (fooled[n], foolingNow[n]) = (true, 1);
                if (now[n] > best[n]) (best[n], better[n]) = (now[n], 1);
            }
            values = now;
            select.Copy(batch.OnDevice<int>(foolingNow), batch.Images, fooling);
            Tensor<int> flags = batch.OnDevice<int>(better);
            select.Copy(flags, batch.Images, bestImages);
            select.Copy(flags, batch.Gradient, bestGradients);
            if (++since < interval) continue;
            var back = new int[count];
            for (int n = 0; n < count; n++)
            {
                bool stuck = !halved[n] && bestBefore[n] >= best[n];
                halved[n] = rises[n] <= Rho * interval || stuck;
                if (halved[n]) (sizes[n], back[n]) = (sizes[n] / 2, 1);
            }
            flags = batch.OnDevice<int>(back);
            select.Copy(flags, bestImages, batch.Images);
            select.Copy(flags, bestGradients, batch.Gradient);
            bestBefore = [.. best];
            Array.Clear(rises);
            since = 0;
            interval = Math.Max(interval - Math.Max(1, (int)(IntervalFall * Steps)), Math.Max(1, (int)(LeastInterval * Steps)));
        }
        batch.Images.CopyFrom(bestImages);
        select.Copy(batch.OnDevice<int>([.. fooled.Select(f => f ? 1 : 0)]), fooling, batch.Images);
    }

    // A step along the gradient, and a part of the step before: z = P(x + size direction), x = P(x + a (z - x) + (1 - a) (x - before)).
    private void Move(AttackBatch batch, float[] sizes, float a)
    {
        Elementwise elementwise = batch.Operator(d => new Elementwise(d));
        ImageAxpby axpby = batch.Operator(d => new ImageAxpby(d));
        Tensor<float> z = batch.Memory("next"), before = batch.Memory("before");
        z.CopyFrom(batch.Images);
        float[] factors = sizes;
        if (Norm == PerturbationNorm.L2)
        {
            batch.Operator(d => new ImageNorm(d)).Squares(batch.Gradient, batch.Values);
            factors = [.. batch.Values.ToArray().Select((sum, n) => sum > 0 ? sizes[n] / MathF.Sqrt(sum) : 0)];
        }
        axpby.Add(z, 1, batch.OnDevice<float>(factors), batch.Gradient, signs: Norm == PerturbationNorm.Linf);
        batch.Project(z, Norm, Epsilon);
        if (a < 1)
        {
            elementwise.Scale(z, a, z);
            elementwise.AddScaled(z, 2 - 2 * a, batch.Images, z);
            elementwise.AddScaled(z, a - 1, before, z);
            batch.Project(z, Norm, Epsilon);
        }
        before.CopyFrom(batch.Images);
        batch.Images.CopyFrom(z);
    }

    // The objective of each image, to be climbed, with its gradient.
    private float[] Evaluate(AttackBatch batch, (int[] From, int[] To)? pair)
    {
        if (pair is not { } p)
        {
            float sign = batch.Targeted ? -1 : 1;
            batch.Follow(Objective, sign);
            return [.. batch.Values.ToArray().Select(v => sign * v)];
        }
        batch.Score();
        float[] scores = batch.Scores.ToArray(), gradient = new float[scores.Length], values = new float[batch.Count];
        for (int n = 0; n < batch.Count; n++)
            values[n] = TowardsClass(scores.AsSpan(n * batch.Classes, batch.Classes), p.From[n], p.To[n], gradient.AsSpan(n * batch.Classes, batch.Classes));
        batch.FollowScores(gradient);
        return values;
    }

    /// <summary>The targeted difference-of-logits ratio, equation 7: (z[to] - z[from]) / (z1 - (z3 + z4) / 2), of z in descending order, and its gradient.</summary>
    internal static float TowardsClass(ReadOnlySpan<float> z, int from, int to, Span<float> gradient)
    {
        gradient.Clear();
        float difference = z[to] - z[from];
        if (z.Length < 4)
        {
            gradient[to] += 1;
            gradient[from] -= 1;
            return difference;
        }
        Span<int> order = stackalloc int[4];
        for (int k = 0; k < 4; k++)
        {
            order[k] = -1;
            for (int c = 0; c < z.Length; c++)
                if (!order[..k].Contains(c) && (order[k] < 0 || z[c] > z[order[k]])) order[k] = c;
        }
        float lead = z[order[0]] - (z[order[2]] + z[order[3]]) / 2 + 1e-12f, ratio = difference / lead;
        gradient[to] += 1 / lead;
        gradient[from] -= 1 / lead;
        gradient[order[0]] -= ratio / lead;
        gradient[order[2]] += ratio / lead / 2;
        gradient[order[3]] += ratio / lead / 2;
        return ratio;
    }
}

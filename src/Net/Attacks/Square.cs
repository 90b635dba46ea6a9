using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// The Square attack (Andriushchenko et al. 2020, arXiv 1912.00049): random search by square windows of falling size, each kept if it brings the network's decision nearer to wrong. It asks for
/// scores alone, so that no gradient can mislead it. Windows shrink by the schedule of the authors' program, stretched to the number of queries.
/// </summary>
public sealed record Square : IAttack
{
    // Of 10,000 queries.
    private static readonly int[] Halvings = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

    /// <inheritdoc/>
    public string Name => "square";

    /// <inheritdoc/>
    public PerturbationNorm Norm { get; init; } = PerturbationNorm.Linf;

    /// <summary>The bound on the perturbation, on images of 0 to 1.</summary>
    public required float Epsilon { get; init; }

    float? IAttack.Epsilon => Epsilon;

    /// <inheritdoc/>
    public bool IsBlackBox => true;

    /// <summary>How often the network is asked about an image.</summary>
    public int Queries { get; init; } = 5000;

    /// <inheritdoc/>
    public int Restarts { get; init; } = 1;

    /// <summary>p: the share of the image that the first windows cover.</summary>
    public float FirstShare { get; init; } = 0.8f;

    /// <inheritdoc/>
    public IAttack Scaled(float share) => this with { Epsilon = share * Epsilon };

    /// <inheritdoc/>
    public void Perturb(AttackBatch batch, int restart)
    {
        ArgumentNullException.ThrowIfNull(batch);
        SquareWindows windows = batch.Operator(d => new SquareWindows(d));
        ImageSelect select = batch.Operator(d => new ImageSelect(d));
        Shape shape = batch.Images.Shape;
        (int height, int width) = shape.Rank == 4 ? (shape[2], shape[3]) : (1, batch.Pixels);
        uint draw = (uint)restart * (uint)(Queries + 1);
        batch.Bound(Epsilon);
        if (Norm == PerturbationNorm.L2) windows.Tiles(batch.Originals, batch.Numbers, Epsilon, batch.Seed, draw, batch.Images);
        else windows.Stripes(batch.Originals, batch.Numbers, Epsilon, batch.Lower, batch.Upper, batch.Seed, draw, batch.Images);
        batch.Score();
        float[] best = batch.Margins();
        Tensor<float> kept = batch.Memory("best");
        kept.CopyFrom(batch.Images);
        for (int query = 1; query < Queries; query++)
        {
            bool[] done = [.. best.Select(m => m > 0)];
            if (2 * done.Count(d => d) >= batch.Count)
            {
                batch.Images.CopyFrom(kept);
                best = [.. batch.Retire(done).Select(n => best[n])];
                if (batch.Count == 0) return;
                kept = batch.Memory("best");
            }
            int side = Side(query - 1, height, width);
            if (Norm == PerturbationNorm.L2) windows.InBall(kept, batch.Numbers, side, batch.Originals, Epsilon, batch.Seed, draw + (uint)query, batch.Images);
            else windows.InBox(kept, batch.Numbers, side, Epsilon, batch.Lower, batch.Upper, batch.Seed, draw + (uint)query, batch.Images);
            batch.Score();
            float[] margins = batch.Margins();
            var better = new int[batch.Count];
            for (int n = 0; n < batch.Count; n++)
                if (!(best[n] > 0) && margins[n] > best[n]) (best[n], better[n]) = (margins[n], 1);
            select.Copy(batch.OnDevice<int>(better), batch.Images, kept);
        }
        batch.Images.CopyFrom(kept);
    }

    // Height and width of the windows of a query.
    private int Side(int query, int height, int width)
    {
        int at = (int)((long)query * 10_000 / Queries);
        double share = FirstShare / (1 << Halvings.Count(h => at > h));
        int side = Math.Max(1, (int)Math.Round(Math.Sqrt(share * height * width)));
        // In the Euclidean norm an odd number, so that a pattern has a middle.
        if (Norm == PerturbationNorm.L2) side = Math.Max(3, side % 2 == 0 ? side + 1 : side);
        return Math.Min(side, Math.Min(height, width));
    }
}

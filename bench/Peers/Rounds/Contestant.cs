namespace GpuConv.Peers;

/// <summary>A peer at work: it takes its fastest way for each case and times it on demand.</summary>
internal sealed class Contestant(IPeer peer) : IDisposable
{
    // Variants take turns, so that a moment when the machine is busy decides nothing; the best turn of each counts.
    private const int Turns = 3;
    private const double TurnMilliseconds = 150;

    private IPrepared? prepared;
    private double estimate;

    public string Description => peer.Description;

    /// <summary>Tries all ways to do a case and keeps the fastest of those that give what is expected.</summary>
    public Reply Prepare(Case work, float[]? expected)
    {
        prepared?.Dispose();
        prepared = null;
        estimate = double.PositiveInfinity;
        IReadOnlyList<Variant> variants = peer.Variants(work);
        if (variants.Count == 0) return new Reply { Unsupported = true };

        var trials = variants.Select(v => new Trial(v)).ToList();
        foreach (Trial trial in trials) trial.Start(work, expected);
        for (int turn = 0; turn < Turns; turn++)
            foreach (Trial trial in trials.Where(t => t.Prepared is not null))
                trial.Milliseconds = Math.Min(trial.Milliseconds, Time(trial.Prepared!, TurnMilliseconds, turn == 0 ? trial.First : trial.Milliseconds));

        Trial best = trials.MinBy(t => t.Milliseconds)!;
        foreach (Trial trial in trials.Where(t => t != best)) trial.Prepared?.Dispose();
        (prepared, estimate) = (best.Prepared, best.Milliseconds);
        return new Reply { Error = best.Error, Chosen = best.Variant.Name, Tried = [.. trials.Select(t => t.ToString())], Results = best.Results };
    }

    /// <summary>Runs the prepared case for about so long; the first fifth warms up and is not counted.</summary>
    public double[] Run(double milliseconds)
    {
        if (prepared is null) throw new InvalidOperationException("No case is prepared.");
        Time(prepared, milliseconds / 5, estimate);
        double[] times = Times(prepared, milliseconds, estimate);
        estimate = Median.Of(times);
        return times;
    }

    public void Dispose()
    {
        prepared?.Dispose();
        peer.Dispose();
    }

    private static double Time(IPrepared work, double milliseconds, double estimate) => Median.Of(Times(work, milliseconds, estimate));

    private static double[] Times(IPrepared work, double milliseconds, double estimate)
    {
        var times = new double[(int)Math.Clamp(milliseconds / estimate, 3, 20_000)];
        work.Run(times);
        return times;
    }

    /// <summary>A variant on trial.</summary>
    private sealed class Trial(Variant variant)
    {
        public Variant Variant => variant;

        public IPrepared? Prepared { get; private set; }

        public float[] Results { get; private set; } = [];

        public string? Error { get; private set; }

        /// <summary>How long it took right after its start.</summary>
        public double First { get; private set; }

        public double Milliseconds { get; set; } = double.PositiveInfinity;

        public void Start(Case work, float[]? expected)
        {
            try
            {
                Prepared = variant.Prepare();
                Results = Prepared.Results();
                Error = expected is null ? null : Agreement.Complaint(work, expected, Results);
                var first = new double[2];
                Prepared.Run(first);
                First = first[1];
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Error = e.GetBaseException().Message.Split('\n')[0];
            }
            if (Error is null) return;
            Prepared?.Dispose();
            Prepared = null;
        }

        public override string ToString() => Error is null ? $"{variant.Name}: {Milliseconds:g3} ms" : $"{variant.Name}: {Error}";
    }
}

namespace GpuConv.Studies;

/// <summary>When a run first met a goal.</summary>
/// <param name="Measure">What is measured, as <c>validation_loss</c>.</param>
/// <param name="Bound">Losses are to fall below it, accuracies to rise above it.</param>
/// <param name="Epoch">The first epoch that met it; null if none did.</param>
/// <param name="Seconds">Seconds of training until the end of that epoch.</param>
internal sealed record Reached(string Measure, double Bound, int? Epoch, double? Seconds);

/// <summary>A loss to fall below or an accuracy to exceed, with the weights of an epoch's end.</summary>
/// <param name="Measure">What is measured.</param>
/// <param name="Name">The measure and its bound as people say it.</param>
/// <param name="Bound">The bound.</param>
/// <param name="IsMet">Whether an epoch meets the goal.</param>
internal sealed record Goal(string Measure, string Name, double Bound, Func<ComparedEpoch, bool> IsMet)
{
    public static Goal Loss005 { get; } = new("validation_loss", "validation loss below 0.05", 0.05, e => e.ValidationLoss < 0.05);

    public static Goal Accuracy98 { get; } = new("validation_accuracy", "validation accuracy above 98 %", 0.98, e => e.ValidationAccuracy > 0.98);

    public static IReadOnlyList<Goal> All { get; } =
    [
        Loss005,
        new("train_loss", "training loss below 0.05", 0.05, e => e.TrainLossAtEnd < 0.05),
        Accuracy98,
        new("train_accuracy", "training accuracy above 98 %", 0.98, e => e.TrainAccuracyAtEnd > 0.98),
        new("validation_accuracy", "validation accuracy above 99 %", 0.99, e => e.ValidationAccuracy > 0.99),
        new("train_accuracy", "training accuracy above 99 %", 0.99, e => e.TrainAccuracyAtEnd > 0.99),
    ];

    /// <summary>Epochs seed by seed; of more seeds than a line holds, their range.</summary>
    public static string Epochs(IEnumerable<int?> epochs)
    {
        const int most = 5;
        int?[] all = [.. epochs];
        if (all.Length <= most) return string.Join(", ", all.Select(e => e is { } n ? $"{n}" : "none"));
        int none = all.Count(e => e is null);
        return none == all.Length ? "none" : $"{all.Min()} to {all.Max()}{(none > 0 ? $", {none} none" : "")}";
    }

    /// <summary>The first epoch that meets the goal, or null.</summary>
    public Reached? ReachedBy(ComparedRun run)
    {
        double seconds = 0;
        foreach (ComparedEpoch epoch in run.History)
        {
            seconds += epoch.Seconds;
            if (IsMet(epoch)) return new Reached(Measure, Bound, epoch.Epoch, seconds);
        }
        return null;
    }
}

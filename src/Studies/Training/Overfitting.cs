using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What the losses of a training say about overfitting.</summary>
internal enum OverfittingKind
{
    /// <summary>No validation was made.</summary>
    NotValidated,

    /// <summary>There are too few epochs to tell a rise from a wobble.</summary>
    TooShort,

    /// <summary>The validation loss does not rise for good.</summary>
    None,

    /// <summary>The validation loss rises for good, and the training loss falls.</summary>
    Found,

    /// <summary>Both losses rise: the training got worse, which is no overfitting.</summary>
    TrainingRises,
}

/// <summary>
/// The epoch from which the validation loss rises for good while the training loss falls. The validation losses are smoothed by medians of
/// three neighbours (in long trainings of a tenth of the epochs), so that one epoch that stands out moves nothing. It rises for good if after the lowest of
/// these there are at least three epochs and the last of them is higher by 5 % and by three times the wobble. The wobble is the standard deviation of one epoch's loss around a straight line
/// through its neighbours: the median of the absolute second differences, scaled as for a normal distribution. On a curve that only wobbles around a level,
/// by any amount, this finds a rise in less than 1 of 25 trainings.
/// </summary>
/// <param name="Kind">What was found.</param>
/// <param name="Epoch">The epoch after which the validation loss rises; null if it does not.</param>
/// <param name="Wobble">The usual wobble of the validation loss from epoch to epoch, in nats; null with too few epochs.</param>
/// <param name="Text">The finding in a sentence or two.</param>
internal sealed record Overfitting(OverfittingKind Kind, int? Epoch, double? Wobble, string Text)
{
    private const int LeastEpochs = 5, LeastWindow = 3;
    private const double LeastRise = 0.05, LeastFall = 0.05, Wobbles = 3;

    public static Overfitting Of(IReadOnlyList<EpochRow> history)
    {
        EpochRow[] rows = [.. history.Where(r => r.ValidationLoss is { } loss && double.IsFinite(loss) && double.IsFinite(r.TrainLoss))];
        if (rows.Length == 0) return new(OverfittingKind.NotValidated, null, null, "No validation was made, so nothing can be said about overfitting.");
        double[] losses = [.. rows.Select(r => r.ValidationLoss!.Value)];
        if (rows.Length < LeastEpochs)
        {
            string epochs = rows.Length == 1 ? "One epoch is" : $"{rows.Length} epochs are";
            return new(OverfittingKind.TooShort, null, null, $"{epochs} too few to tell overfitting from a wobble of the validation loss; it takes {LeastEpochs}.");
        }
        int window = Math.Max(LeastWindow, rows.Length / 10 | 1);
        double[] smooth = Medians(losses, window);
        double wobble = WobbleOf(losses);
        int turn = Array.LastIndexOf(smooth, smooth.Min()), last = rows.Length - 1;
        double rise = smooth[last] - smooth[turn];
        bool rises = last - turn >= window && rise > LeastRise * smooth[turn] && rise > Wobbles * wobble;
        EpochRow best = rows[Array.IndexOf(losses, losses.Min())];
        if (!rises)
        {
            string text = last - turn < window || rise <= 0
                ? $"No overfitting: the validation loss was still falling or level at the end (lowest {best.ValidationLoss:f4}, after epoch {best.Epoch})."
                : $"No overfitting that stands out: after epoch {rows[turn].Epoch} the validation loss rises from {smooth[turn]:f4} to {smooth[last]:f4} (medians of {window} epochs), "
                    + (rise > LeastRise * smooth[turn] ? $"but it wobbles by {wobble:f4} from one epoch to the next." : $"by less than {LeastRise:p0}.");
            return new(OverfittingKind.None, null, wobble, $"{text} The last is {losses[last]:f4}, against {rows[last].TrainLoss:f4} in training.");
        }
        int epoch = rows[turn].Epoch;
        string rose = $"rises for good after epoch {epoch}, from {smooth[turn]:f4} to {smooth[last]:f4} ({rise / smooth[turn]:p0} more; medians of {window} epochs)";
        double before = rows[turn].TrainLoss, after = rows[last].TrainLoss;
        if (after > before * (1 - LeastFall))
            return new(OverfittingKind.TrainingRises, epoch, wobble, $"No overfitting, but a training that gets worse: the validation loss {rose}, and the training loss does not fall either ({before:f4} to {after:f4}).");
        string single = best.Epoch == epoch ? "" : $" The lowest single value is {best.ValidationLoss:f4}, after epoch {best.Epoch}.";
        return new(OverfittingKind.Found, epoch, wobble, $"Overfitting: the validation loss {rose}, while the training loss falls from {before:f4} to {after:f4}.{single}");
    }

    /// <summary>The median of each value and its neighbours, an odd number of them in all; at the ends of the first and last so many.</summary>
    internal static double[] Medians(IReadOnlyList<double> values, int window) =>
        [.. values.Select((_, i) =>
        {
            int first = Math.Clamp(i - window / 2, 0, Math.Max(0, values.Count - window));
            double[] near = [.. values.Skip(first).Take(window).Order()];
            return near[near.Length / 2];
        })];

    /// <summary>The standard deviation of single values around the straight line through their neighbours, robustly.</summary>
    internal static double WobbleOf(IReadOnlyList<double> values)
    {
        // The first epoch's steep fall is no wobble. A second difference of independent values has 6 times their variance.
        double[] bends = [.. Enumerable.Range(2, values.Count - 3).Select(i => Math.Abs(values[i - 1] - 2 * values[i] + values[i + 1])).Order()];
        double median = (bends[(bends.Length - 1) / 2] + bends[bends.Length / 2]) / 2;
        return 1.4826 * median / Math.Sqrt(6);
    }
}

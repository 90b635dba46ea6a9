using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What gradient ascent on one network, objective and rate made of all seeds' noise: what claims are judged by, and what stands beside them.</summary>
/// <param name="Network"><see cref="This"/>, or <see cref="Untrained"/>.</param>
/// <param name="Objective">What was climbed; the cross-entropy is descended.</param>
/// <param name="Lr">How far a step went along the gradient, on pixels of 0 to 1.</param>
/// <param name="Clip">Whether pixels stayed in 0..255.</param>
/// <param name="Seeds">Images of each class.</param>
/// <param name="Fooled">By class, how many are taken for it after the last step.</param>
/// <param name="Sure">By class, how many with a probability of <see cref="SureFrom"/> or more.</param>
/// <param name="MostDoubt">What the smallest probability lacks to 1.</param>
/// <param name="LeastDoubt">What the largest lacks.</param>
/// <param name="Doubt">By number of steps asked for, what the mean probability lacks.</param>
/// <param name="Grow">How many images' probability grows from each number of steps to the next.</param>
/// <param name="Rise">Of how many images the cost rises, from the noise to the last step.</param>
/// <param name="Flatten">Of how many a step of the last fifth raises the cost by no more than <see cref="Flat"/> of one of the first, and does not lower it.</param>
internal sealed record FoolClimb(
    string Network, string Objective, double Lr, bool Clip, int Seeds, IReadOnlyList<int> Fooled, IReadOnlyList<int> Sure, double MostDoubt, double LeastDoubt, IReadOnlyList<double> Doubt, int Grow, int Rise, int Flatten)
{
    /// <summary>The report: "as high as 0.98".</summary>
    public const double SureFrom = 0.98;

    /// <summary>The rise of a late step as a share of an early one's that is a flat curve.</summary>
    public const double Flat = 0.5;

    public const string This = "network", Untrained = "untrained";

    public int Images => Seeds * Fooled.Count;

    /// <summary>The figures of a path whose images are class after class, seed after seed.</summary>
    public static FoolClimb Of(string network, FoolOptions options, MaximizationPath path)
    {
        int classes = path.Classes, last = options.Steps.Max();
        int[] images = [.. Enumerable.Range(0, path.Count)], marks = [.. options.Steps.Order()];
        double Doubt(int step, int image) => ScoreRow.Doubt(path.ScoresAt(step, image), image % classes);
        int[] ByClass(Func<int, bool> holds) => [.. Enumerable.Range(0, classes).Select(c => images.Count(i => i % classes == c && holds(i)))];
        FoolCost[] costs = [.. images.Select(i => FoolStudy.CostOf(i % classes, FoolStudy.Costs(path, i, i % classes, options.Objective)))];
        return new FoolClimb(
            network, options.Objective, options.Lr, options.Clip, path.Count / classes,
            ByClass(i => Predictor.MostProbable(path.ScoresAt(last, i)) == i % classes),
            ByClass(i => Doubt(last, i) <= 1 - SureFrom),
            images.Max(i => Doubt(last, i)), images.Min(i => Doubt(last, i)),
            [.. marks.Select(t => images.Average(i => Doubt(t, i)))],
            images.Count(i => marks.Zip(marks.Skip(1)).All(p => Doubt(p.Second, i) < Doubt(p.First, i))),
            costs.Count(c => c.Last > c.First),
            costs.Count(c => c.Flattens));
    }

    /// <summary>What was climbed, in words.</summary>
    public string How => $"by the {Objective} at a rate of {Lr:g4}{(Clip ? "" : ", pixels not kept in 0..255")}";

    /// <summary>How many images are taken for their class, and how sure the network is.</summary>
    public string Result => $"{Fooled.Sum()} of {Images} images are taken for their class, with {FoolPictures.Certainty(MostDoubt)} to {FoolPictures.Certainty(LeastDoubt)}";
}

using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>A network by its name.</summary>
internal sealed record NamedModel(string Name, string? File, Model Model);

/// <summary>Networks under attacks: robust accuracies, the perturbations' sizes, curves over the bound, and how networks do on images made against others.</summary>
internal static class AttackStudy
{
    private const int MostSamples = 10;

    /// <param name="device">The device.</param>
    /// <param name="models">The networks.</param>
    /// <param name="images">The images.</param>
    /// <param name="targets">For each image the class that it is to be taken for; null: any other.</param>
    /// <param name="targetName">How the command was told of them.</param>
    /// <param name="options">The options.</param>
    /// <param name="progress">Told where it is.</param>
    /// <param name="cancellation">Cancels.</param>
    public static AttackStudyResult Run(Device device, IReadOnlyList<NamedModel> models, LabelledImages images, IReadOnlyList<int>? targets, string? targetName, AttackOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        int unit = images.Count * (1 + options.CurveBounds.Length), done = 0, total = unit * options.Methods.Length * models.Count;
        var attacked = new List<AttackedModel>();
        foreach (NamedModel named in models)
        {
            using var attacker = new Attacker(device, named.Model);
            attacked.Add(Attack(named, attacker, images, targets, options, (name, images) => progress(new StudyProgress($"{name} on {named.Name}", done + images, total)), () => done += unit, cancellation));
        }
        TransferMatrix? transfer = models.Count > 1 ? TransferOf(device, models, attacked, images, options, cancellation) : null;
        string[] warnings = [.. attacked.SelectMany(m => m.Warnings.Select(w => models.Count > 1 ? $"{m.Name}: {w}" : w))];
        return new AttackStudyResult(AttackMethods.NameOf(options.Norm), options.Bound, images.Count, targetName, attacked[0].CleanAccuracy, attacked[0].Attacks, attacked, transfer, warnings);
    }

    private static AttackedModel Attack(NamedModel named, Attacker attacker, LabelledImages images, IReadOnlyList<int>? targets, AttackOptions options, Action<string, int> progress, Action next, CancellationToken cancellation)
    {
        var rows = new List<AttackRow>();
        var results = new List<AttackResult>();
        var curves = new List<AttackCurve>();
        foreach (string method in options.Methods)
        {
            IAttack Of(float epsilon) => AttackMethods.Create(method, options, epsilon, images.ImageSize);
            IAttack attack = Of(options.Bound);
            long start = Stopwatch.GetTimestamp();
            progress(method, 0);
            AttackResult result = attacker.Run(attack, images, targets, options.Seed, n => progress(method, n), null, cancellation);
            rows.Add(RowOf(result, Stopwatch.GetElapsedTime(start).TotalSeconds, FooledAsPictures(result, attacker, cancellation)));
            results.Add(result);
            if (attack.Norm == options.Norm)
            {
                // What looks for the smallest perturbation has the whole curve in one run, if it had no bound.
                RobustnessCurve curve = attack.IsMinimal
                    ? RobustnessCurve.OfSmallest(result, [.. options.CurveBounds.Where(e => attack.Epsilon is null || e <= attack.Epsilon)])
                    : RobustnessCurve.Run(attacker, Of, options.CurveBounds, images, options.Seed, [result], targets, n => progress($"{method}, bound {n + 1} of {options.CurveBounds.Length}", images.Count * (1 + n)), cancellation);
                curves.Add(new AttackCurve(method, curve.Points));
            }
            next();
        }
        double vanished = attacker.VanishedGradients(images, cancellation);
        AttackResult[] ofNorm = [.. results.Where(r => r.Attack.Norm == options.Norm)], bounded = [.. ofNorm.Where(r => r.Attack.Epsilon is not null)];
        double? worst = ofNorm.Length == 0 ? null : Enumerable.Range(0, images.Count).Average(i => results[0].Images[i].CleanPredicted == images.Labels[i] && !ofNorm.Any(r => IsFooledWithin(r, i, options.Bound)) ? 1.0 : 0);
        IReadOnlyList<(int Class, float Confidence)> before = attacker.Predict([.. images.Pixels.Select(v => v / 255f)], cancellation);
        return new AttackedModel(named.Name, named.File, results[0].CleanAccuracy, worst, vanished, rows, curves, GradientMasking.Signs(bounded, vanished))
        {
            Samples = [.. results.Select((r, i) => new AttackSamples(rows[i], SamplesOf(r, images, before)))],
            Adversarial = [.. results.Select(r => r.Pixels)],
        };
    }

    // What looks for the smallest perturbation found one for an image; it counts where it is no larger than the bound, which float32 may have rounded.
    private static bool IsFooledWithin(AttackResult result, int image, float bound) => result.Images[image].Fooled && (result.Attack.Epsilon is not null || result.NormOf(result.Images[image]) <= bound * (1 + 1e-6));

    // Pixels of a picture are of 256 levels: small perturbations are rounded away.
    private static int FooledAsPictures(AttackResult result, Attacker attacker, CancellationToken cancellation)
    {
        IReadOnlyList<(int Class, float Confidence)> seen = attacker.Predict([.. result.Pixels.Select(v => MathF.Round(v * 255) / 255f)], cancellation);
        return result.Images.Count(i => i.Fooled && (i.Target is { } target ? seen[i.Number].Class == target : seen[i.Number].Class != i.Label));
    }

    private static AttackRow RowOf(AttackResult result, double seconds, int fooledAsPictures)
    {
        double[] sizes = result.SuccessfulNorms();
        double? mean = sizes.Length == 0 ? null : sizes.Average(), median = sizes.Length == 0 ? null : (sizes[(sizes.Length - 1) / 2] + sizes[sizes.Length / 2]) / 2;
        IAttack attack = result.Attack;
        (float? alpha, int? steps, int? queries) = AttackMethods.Settings(attack);
        int attacked = result.Images.Count(i => i.Attacked);
        return new AttackRow(attack.Name, AttackMethods.NameOf(attack.Norm), attack.Epsilon, alpha, steps, queries, attack.Restarts, result.RobustAccuracy, attacked, sizes.Length, fooledAsPictures, mean, median, seconds, attacked / seconds);
    }

    // Of each class the first image that fooled the network, else the first that was attacked.
    private static AttackSample[] SamplesOf(AttackResult result, LabelledImages images, IReadOnlyList<(int Class, float Confidence)> before) =>
    [
        .. result.Images.Where(i => i.Attacked).GroupBy(i => i.Label).OrderBy(g => g.Key).Select(g => g.FirstOrDefault(i => i.Fooled) ?? g.First()).Take(MostSamples).Select(i => new AttackSample(
            i.Number, i.Label, [.. images.Image(i.Number).ToArray().Select(v => v / 255f)], result.Pixels[(i.Number * images.ImageSize)..((i.Number + 1) * images.ImageSize)], before[i.Number].Class, before[i.Number].Confidence, i.Predicted, i.Confidence, i.Fooled, result.NormOf(i))),
    ];

    private static TransferMatrix TransferOf(Device device, IReadOnlyList<NamedModel> models, List<AttackedModel> attacked, LabelledImages images, AttackOptions options, CancellationToken cancellation)
    {
        string method = AttackMethods.ForTransfer(options);
        int at = Array.IndexOf(options.Methods, method);
        double[][] accuracy = [.. attacked.Select(_ => new double[models.Count])];
        for (int seen = 0; seen < models.Count; seen++)
        {
            using var attacker = new Attacker(device, models[seen].Model);
            for (int source = 0; source < models.Count; source++)
                accuracy[source][seen] = attacker.Predict(attacked[source].Adversarial[at], cancellation).Select((p, i) => p.Class == images.Labels[i] ? 1.0 : 0).Average();
        }
        return new TransferMatrix(method, attacked[0].Attacks[at].Eps, [.. models.Select(m => m.Name)], accuracy);
    }
}

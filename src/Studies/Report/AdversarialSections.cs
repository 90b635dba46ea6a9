using GpuConv.Net;
using static GpuConv.Studies.ReportContent;

namespace GpuConv.Studies;

/// <summary>The report's third part: images that fool the network.</summary>
internal static class AdversarialSections
{
    // Bounds of a noise that a table of a report holds.
    private const int MostRates = 12;

    public static ReportSection Of(ReportFiles files, Metrics plain) => new(
        "part-3", "Part 3: images that fool it",
        [new ReportParagraph("From noise, near an image, for all images at once, and the standard attacks. Every step is the gradient of a score to the image's pixels, on the device.")],
        [Fool(files, ClassNames.Of(plain.PerClass)), Target(files, plain.Data.Name == DataSet.Mnist), Noise(files), Attack(files)]);

    private static ReportSection Fool(ReportFiles files, ClassNames names)
    {
        FoolResult r = files.Read(ReportParts.Fool, "fool.json", StudiesJson.Default.FoolResult);
        int steps = r.Classes.Max(c => c.Steps);
        FoolRow[] last = [.. r.Classes.Where(c => c.Steps == steps)];
        return new ReportSection(
            "fool", "From noise to any class",
            [
                new ReportParagraph($"{(last.Length == 10 ? "Ten" : $"{last.Length}")} images of noise (mean 128, standard deviation 1), one for each class; each step goes {r.Lr:0.####} times the gradient of the class's {r.Objective} {FoolPictures.Way(r.Objective)}. After {steps} steps {last.Count(c => c.Predicted == c.Class)} of {last.Length} are taken for their class."),
                new ReportTable(
                    $"Probability of the class after {steps} steps, seed {r.Seed}; close to 1 it stands as 1 less what it lacks, beyond float32's precision as the lead of its logit over the others together",
                    [">class", ">the report", ">here", ">taken for", ">most similar training image", ">correlation with it"],
                    [.. last.Select(c => (string[])[names[c.Class], c.Report is { } p ? $"{p:f4}" : "\u2013", FoolPictures.Certainty(c.Doubt), names[c.Predicted], names[r.Likeness[c.Class].AlikeLabel], $"{r.Likeness[c.Class].AlikeCorrelation:f2}"])]),
                .. files.Figure(ReportParts.Fool, "fool", "The image made for each class, with its contrast stretched, its nearest and its most similar training image.", "The images as they are, with their contrast stretched, and the training images most like them."),
                .. files.Figure(ReportParts.Fool, "costs", "The class's score and probability by step, class by class.", "The way there: what is climbed, step by step."),
                .. files.Figure(ReportParts.Fool, "regularised", "The same images with total variation, blur and jitter.", "With the usual regularisers of natural images: what they change."),
                .. files.Made(ReportParts.Fool),
            ],
            []);
    }

    private static ReportSection Target(ReportFiles files, bool digits)
    {
        TargetResult near = files.Read(ReportParts.TargetFromImage, "target.json", StudiesJson.Default.TargetResult), noise = files.Read(ReportParts.TargetFromNoise, "target.json", StudiesJson.Default.TargetResult);
        (string thing, string things, string own) = digits ? ("digit", "digits", "digit") : ("class", "classes", "image");
        string[] Row(string name, TargetResult r)
        {
            TargetPair[] fooled = [.. r.Pairs.Where(p => p.Success)];
            return fooled.Length == 0 ? [name, $"0 of {r.Pairs.Count}", "\u2013", "\u2013", "\u2013"]
                : [name, $"{fooled.Length} of {r.Pairs.Count}", $"{Spread.Of(fooled.Select(p => p.L2)).Median:f2}", $"{fooled.Max(p => p.L2):f2}", $"{Spread.Of(fooled.Select(p => p.Ssim)).Median:f2}"];
        }
        return new ReportSection(
            "target", $"One {thing}, read as another",
            [
                new ReportParagraph($"An image is drawn to one {thing}'s while the network is to read another, for all {near.Pairs.Count} pairs: from the {own} itself, and from noise. The weight of the two aims is searched for each pair."),
                new ReportTable($"Pairs that are read as wanted, and how far their images are from the {own} (pixels 0 to 1)", ["start", ">pairs", ">median distance", ">largest", ">median similarity"], [Row($"the {own}", near), Row("noise", noise)]),
                .. files.Figure(ReportParts.TargetFromImage, "target", $"A matrix of images: rows are the {things} they look like, columns what the network reads.", $"From the {own}: rows are what one sees, columns what the network reads."),
                .. files.Figure(ReportParts.TargetFromNoise, "target", "The same matrix, started from noise.", "From noise: the same."),
                .. files.Figure(ReportParts.TargetFromNoise, "costs", "Distance and cross-entropy by step, started from noise.", "From noise: both aims, step by step."),
                .. files.Made(ReportParts.TargetFromImage), .. files.Made(ReportParts.TargetFromNoise),
            ],
            []);
    }

    private static ReportSection Noise(ReportFiles files)
    {
        NoiseResult r = files.Read(ReportParts.Noise, "noise.json", StudiesJson.Default.NoiseResult);
        return new ReportSection(
            "noise", "One noise for all images",
            [
                new ReportParagraph($"One pattern, learnt on training images and added to {r.Images:n0} test images that it never saw; its bound is the largest change of a pixel. Beside it the same pattern with its pixels in random order, which has the same size by every norm. The other network has batch normalisation."),
                new ReportTable(
                    "Images that were recognised and are not any more",
                    [">bound", "learnt on", "tried on", ">the noise", ">random order"],
                    [.. r.FoolingRate.Take(MostRates).Select(f => (string[])[$"{f.Epsilon:0.###}", f.LearntOn, f.TestedOn, Percent(f.Untargeted), Percent(f.Random)])]),
                .. files.Figure(ReportParts.Noise, "noise", "Fooling rate by bound, of the learnt noise and of random noise, on both networks.", "How often the noise fools, by its bound."),
                .. files.Figure(ReportParts.Noise, "patterns", "The learnt patterns, one for each class and one for none.", "The patterns: one for each class, and one for none."),
                .. files.Figure(ReportParts.Noise, "examples", "Test images with each noise added, and what the network takes them for.", "Test images before and after, and what they are taken for."),
                .. files.Made(ReportParts.Noise),
            ],
            []);
    }

    private static ReportSection Attack(ReportFiles files)
    {
        AttackStudyResult r = files.Read(ReportParts.Attack, "attack.json", StudiesJson.Default.AttackStudyResult);
        string sample = files.FirstPicture(ReportParts.Attack, "samples-" + StudyFolder.FileName(r.Models[0].Name) + "-pgd") ?? files.FirstPicture(ReportParts.Attack, "samples") ?? "";
        return new ReportSection(
            "attacks", "The standard attacks",
            [
                new ReportParagraph($"No pixel may change by more than {r.Eps:0.###} of the range from black to white. Accuracy that is left on the first {r.Images:n0} test images; images that were not recognised before count as lost. The smallest perturbation that deepfool finds has no bound."),
                new ReportTable(
                    "Networks under attack",
                    ["network", "attack", ">before", ">after", ">median size", ">images a second"],
                    [.. r.Models.SelectMany(m => m.Attacks.Select(a => (string[])[m.Name, a.Name, Percent(m.CleanAccuracy), Percent(a.RobustAccuracy), a.MedianNorm is { } size ? $"{size:0.###}" : "\u2013", $"{a.ImagesPerSecond:f0}"]))]),
                .. r.Warnings.Select(w => new ReportParagraph(w)),
                .. files.Figure(ReportParts.Attack, "curves", "Accuracy against the bound, for each attack and network.", "Accuracy against the bound. An attack that is above another has missed images."),
                .. files.Figure(ReportParts.Attack, sample, "Test images, the perturbation, and what the network takes them for before and after.", "Images before and after PGD, and the perturbation, amplified."),
                .. files.Figure(ReportParts.Attack, "transfer", "A matrix: accuracy of each network on images made against each.", "Images made against one network, seen by another."),
                .. files.Made(ReportParts.Attack),
            ],
            []);
    }

    private static string Percent(double share) => $"{100 * share:f1} %";
}

using static GpuConv.Studies.ReportContent;

namespace GpuConv.Studies;

/// <summary>The report's second part: what the filters are, what they respond to, and where the network looks.</summary>
internal static class SightSections
{
    public static ReportSection Of(ReportFiles files) => new(
        "part-2", "Part 2: what the network sees",
        [new ReportParagraph("What its filters are, what drives them, and what in an image decides. All of the plain network of part 1.")],
        [Filters(files), Activations(files), Occlusion(files), Attribution(files)]);

    private static ReportSection Filters(ReportFiles files)
    {
        FiltersResult r = files.Read(ReportParts.Filters, "filters.json", StudiesJson.Default.FiltersResult);
        return new ReportSection(
            "filters", "Filters",
            [
                new ReportParagraph("Each filter is a small image; its frequency response says which spatial frequencies it lets pass. A filter counts for the band in which its gain is largest."),
                new ReportTable("Filters by the band that they let pass", ["layer", ">filters", ">low-pass", ">band-pass", ">high-pass"], [.. r.Layers.Select(l => (string[])[l.Name, $"{l.Filters.Count}", Percent(l.Shares.LowPass), Percent(l.Shares.BandPass), Percent(l.Shares.HighPass)])]),
                .. r.Layers.SelectMany((l, i) => files.Figure(ReportParts.Filters, l.Name, $"All {l.Filters.Count} filters of {l.Name} with their frequency responses.", i == 0 ? $"{l.Name}: each filter, and what it lets pass; zero is white." : $"{l.Name}: the mean of each filter over its inputs, and what it lets pass.")),
                .. files.Figure(ReportParts.Filters, "frequencies", "Energy of the images by spatial frequency at the input and after every layer.", $"The images' energy by frequency, from the input through the layers; the mean over {r.Images:n0} test images."),
                .. files.Made(ReportParts.Filters),
            ],
            []);
    }

    private static ReportSection Activations(ReportFiles files)
    {
        ActivationsResult r = files.Read(ReportParts.Activations, "activations.json", StudiesJson.Default.ActivationsResult);
        string sheet = files.FirstPicture(ReportParts.Activations, "00-") ?? "";
        int dead = r.Layers.Sum(l => l.Channels.Count(c => c.Dead)), all = r.Layers.Sum(l => l.Channels.Count);
        return new ReportSection(
            "activations", "Activations",
            [
                new ReportParagraph($"What each layer makes of an image, and what each channel stands for: the test images that drive it most, with the patch that it sees, and the input that excites it most, found by gradient ascent. Over {r.Images:n0} test images, {(dead == 0 ? "no channel is" : dead == 1 ? "1 channel is" : $"{dead} channels are")} dead, of {all}."),
                .. files.Figure(ReportParts.Activations, sheet, "The feature maps of one image after every layer.", "One image through the layers: all feature maps after convolution, ReLU and pooling."),
                .. r.Layers.SelectMany(l => files.Figure(ReportParts.Activations, $"{l.Name}-channels", $"For every channel of {l.Name}: the nine strongest test images, the patches, and the best input.", $"{l.Name}: strongest test images and best input of each channel. The best input excites {l.Above} of {l.Channels.Count(c => !c.Dead)} live channels more than any test image does.")),
                .. files.Made(ReportParts.Activations),
            ],
            []);
    }

    private static ReportSection Occlusion(ReportFiles files)
    {
        OcclusionResult r = files.Read(ReportParts.Occlusion, "occlusion.json", StudiesJson.Default.OcclusionResult);
        string sheet = files.FirstPicture(ReportParts.Occlusion, "00-") ?? "";
        return new ReportSection(
            "occlusion", "Occlusion",
            [
                new ReportParagraph("A black window is moved over an image, and the probability of its class is noted for every place (Zeiler and Fergus 2014). Where the probability falls, the network needs what was covered."),
                new ReportTable(
                    $"The probability of the class over all windows of {r.Images.Count} images; ink is {100 * r.Images.Average(i => i.InkShare):f0} % of them",
                    [">window", ">mean probability", ">smallest", ">images that are lost", ">share of the loss on ink"],
                    [.. r.Summary.Select(s => (string[])[$"{s.Size} x {s.Size}", $"{s.Mean:f3}", $"{s.Minimum:f3}", Percent(s.LostImages), s.InkShareOfDrop is { } share ? Percent(share) : "\u2013"])]),
                .. files.Figure(ReportParts.Occlusion, "occlusion", "Heatmaps of the probability of the true class for every image and window size.", "All images and window sizes. Dark: the probability of the true class is gone when the window is there."),
                .. files.Figure(ReportParts.Occlusion, sheet, "One image with its heatmaps, the predicted class for every place, and the overlay.", "One image in full: probability, predicted class, and overlay for every size."),
                .. files.Made(ReportParts.Occlusion),
            ],
            []);
    }

    private static ReportSection Attribution(ReportFiles files)
    {
        AttributeResult r = files.Read(ReportParts.Attribute, "attribute.json", StudiesJson.Default.AttributeResult);
        MethodSummary best = r.Methods.MinBy(m => m.Curves.DeletionArea)!;
        return new ReportSection(
            "attribution", "Attribution",
            [
                new ReportParagraph($"Nine methods say what in an image counts for its class. A good map finds what matters: when its pixels go, the most important first, the probability falls at once (deletion), when they come it rises at once (insertion). A map that stays the same when the network's weights are drawn anew says nothing about the network (Adebayo et al. 2018). By deletion {best.Name} does best: {best.Curves.DeletionArea:f3}, against {r.RandomOrder.DeletionArea:f3} in random order."),
                new ReportTable(
                    "Areas under the curves, means over the images",
                    ["method", ">deletion", ">insertion", "sanity checks"],
                    [.. r.Methods.Select(m => (string[])[m.Name, $"{m.Curves.DeletionArea:f3}", $"{m.Curves.InsertionArea:f3}", m.Verdict ?? "not checked"]), ["random order", $"{r.RandomOrder.DeletionArea:f3}", $"{r.RandomOrder.InsertionArea:f3}", ""]]),
                .. files.Figure(ReportParts.Attribute, "attribute", "The maps of all methods for every image, side by side.", "Maps of all methods, each in its own largest magnitude. Where a method has signs, purple speaks for the class and orange against it."),
                .. files.Figure(ReportParts.Attribute, "curves", "Probability of the class while pixels are deleted and inserted, method by method.", "Deletion and insertion, method by method."),
                .. files.Figure(ReportParts.Attribute, "sanity", "How like the maps stay when layers are drawn anew, method by method.", "Sanity checks: how like the maps stay when layers are drawn anew."),
                .. files.Made(ReportParts.Attribute),
            ],
            []);
    }

    private static string Percent(double share) => $"{100 * share:f0} %";
}

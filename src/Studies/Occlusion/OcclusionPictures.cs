using GpuConv.Kernels;
using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>The pictures of an occlusion study: a sheet for each image with all sizes side by side, and a page with all images.</summary>
internal static class OcclusionPictures
{
    private const float SheetMap = 140, PageMap = 88, Gap = 14, BarWidth = 92, LabelWidth = 118;

    /// <summary>One image: by size the probability, the predicted class, and where the probability is lost.</summary>
    public static Picture Sheet(OccludedImage image, StudyImage study, string fill, int stride, bool perPixel, ClassNames names)
    {
        Shape shape = study.Shape;
        float height = SheetMap, width = SheetMap * shape[2] / shape[1];
        string title = $"Occlusion of {image.Name}: the probability of {names.Words(image.Class)} is {PredictionGrid.Percent(image.Probability)} with nothing covered";
        string explanation = $"{Explanation(fill, stride, perPixel)} Grey: no window has its middle there.";
        string followed = names.Fitting(image.Class, LabelWidth - Gap);
        (string Heading, string Text)[] rows =
        [
            (names.Exist ? "Its probability" : $"P(class {image.Class})", "mean and least\nbelow each map"),
            ("Predicted class", names.Exist ? $"white: {followed};\nothers by colour\nand number" : $"white: {image.Class}; others\nby colour and number"),
            ("Where it is lost", "mean loss of the\nwindows over a pixel,\norange at its largest"),
        ];
        const float top = 96, caption = 20;
        float left = Theme.Margin + width + LabelWidth, row = height + caption + Gap;
        float maps = image.Sizes.Count * (width + Gap) - Gap;
        int[] others = [.. image.Sizes.SelectMany(s => s.PredictedMap).SelectMany(line => line).Distinct().Where(c => c != image.Class).Order()];
        float wide = Math.Max(left + maps + BarWidth, Theme.Margin * 2 + Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation)));
        ClassLegend? legend = names.Exist && others.Length > 0 ? new ClassLegend(others, names, wide - 2 * Theme.Margin) : null;
        var picture = new Picture(wide, top + 3 * row - Gap + (legend is null ? 0 : Gap + legend.Height) + Theme.Margin);
        picture.Heading(title, explanation);
        legend?.Draw(picture, Theme.Margin, top + 3 * row);

        picture.Image(PixelsOf(study), SKRect.Create(Theme.Margin, top, width, height));
        picture.Frame(SKRect.Create(Theme.Margin, top, width, height), Theme.Rule);
        string[] verdict = names.VerdictLines(image.Label, image.Predicted, width);
        for (int i = 0; i < verdict.Length; i++) picture.TextCentred(verdict[i], Theme.Margin + width / 2, top + height + 11 + 14 * i, Theme.SmallSize, Theme.Muted);
        for (int kind = 0; kind < rows.Length; kind++)
        {
            float y = top + kind * row + height / 2 - 12, x = left - Gap;
            picture.Text(rows[kind].Heading, x, y, Theme.TextSize, bold: true, align: SKTextAlign.Right);
            string[] lines = rows[kind].Text.Split('\n');
            for (int i = 0; i < lines.Length; i++) picture.Text(lines[i], x, y + 16 + 14 * i, Theme.SmallSize, Theme.Muted, align: SKTextAlign.Right);
        }
        if (legend is null) DrawLegend(picture, others, left - Gap, top + row + height / 2 + 30);
        for (int i = 0; i < image.Sizes.Count; i++)
        {
            OccludedSize size = image.Sizes[i];
            float x = left + i * (width + Gap);
            picture.TextCentred($"{size.Size} x {size.Size}", x + width / 2, top - 12, Theme.TextSize, bold: true);
            SKRect Frame(int kind) => SKRect.Create(x, top + kind * row, width, height);
            void Caption(int kind, string text) => picture.TextCentred(text, x + width / 2, Frame(kind).Bottom + 11, Theme.SmallSize, Theme.Muted);
            DrawProbabilities(picture, Frame(0), shape, size, stride, perPixel);
            Caption(0, $"mean {size.Mean:f3}, least {size.Minimum:f3}");
            WindowMap.DrawClasses(picture, Frame(1), View(shape, size, stride), size.PredictedMap, image.Class);
            double largest = DrawLoss(picture, Frame(2), study, image.Probability, size, stride);
            Caption(2, largest <= 0 ? "nothing is lost" : $"largest {largest:f3}");
        }
        DrawBar(picture, left + maps + 24, top, height);
        return picture;
    }

    /// <summary>All images: the image, and by size the probability.</summary>
    public static Picture Page(OcclusionResult result, IReadOnlyList<StudyImage> studies, bool perPixel, ClassNames names)
    {
        Shape shape = studies[0].Shape;
        float height = PageMap, width = PageMap * shape[2] / shape[1], row = height + 18 + names.CaptionExtra + Gap;
        IReadOnlyList<SizeSummary> summary = result.Summary;
        const float top = 96;
        string title = $"Occlusion of {result.Images.Count} {(result.Images.Count == 1 ? "image" : "images")}: the probability of the class by size of the window";
        string explanation = $"{Explanation(result.Fill, result.Stride, perPixel)} Below each image its class, below each map its mean and least value.";
        float columns = (summary.Count + 1) * (width + Gap) - Gap;
        var picture = new Picture(
            2 * Theme.Margin + Math.Max(columns + BarWidth, Math.Max(Picture.TextWidth(title, Theme.TitleSize, bold: true), Picture.TextWidth(explanation))), top + result.Images.Count * row - Gap + Theme.Margin);
        picture.Heading(title, explanation);
        for (int i = 0; i < summary.Count; i++) picture.TextCentred($"{summary[i].Size} x {summary[i].Size}", Theme.Margin + (i + 1) * (width + Gap) + width / 2, top - 12, Theme.TextSize, bold: true);
        for (int r = 0; r < result.Images.Count; r++)
        {
            OccludedImage image = result.Images[r];
            var frame = SKRect.Create(Theme.Margin, top + r * row, width, height);
            picture.Image(PixelsOf(studies[r]), frame);
            picture.Frame(frame, Theme.Rule);
            SKColor ink = image.Label is { } label && label != image.Predicted ? Theme.Vermilion : Theme.Muted;
            if (names.Exist) names.DrawCaption(picture, image.Class, "", Picture.EndOf(image.Name, width, Theme.SmallSize), frame.MidX, frame.Bottom + 11, width, ink);
            else picture.TextCentred($"{Picture.EndOf(image.Name, width - 24, Theme.SmallSize)}: {image.Class}", frame.MidX, frame.Bottom + 11, Theme.SmallSize, ink);
            foreach (OccludedSize size in image.Sizes)
            {
                frame.Offset(width + Gap, 0);
                DrawProbabilities(picture, frame, shape, size, result.Stride, perPixel);
                picture.TextCentred($"{size.Mean:f3}, {size.Minimum:f3}", frame.MidX, frame.Bottom + 11, Theme.SmallSize, Theme.Muted);
            }
        }
        DrawBar(picture, Theme.Margin + columns + 24, top, height);
        return picture;
    }

    private static string Explanation(string fill, int stride, bool perPixel) =>
        $"A square window ({Cover.Text(fill)}) moves over the image by {stride} {(stride == 1 ? "pixel" : "pixels")}; {(perPixel ? "each pixel shows the mean over the windows that cover it." : "each cell shows the window whose middle is there.")}";

    private static void DrawProbabilities(Picture picture, SKRect frame, Shape shape, OccludedSize size, int stride, bool perPixel)
    {
        if (!perPixel)
        {
            WindowMap.DrawValues(picture, frame, View(shape, size, stride), size.Map);
            return;
        }
        picture.Fill(frame, Theme.Grid);
        float[] values = [.. OcclusionStudy.Windows(shape, size.Size, stride).PerPixel((r, c) => size.Map[r][c]).Select(v => (float)v)];
        picture.Image(Raster.Colored(values, shape[1], shape[2], ColorScale.Viridis, 0, 1), frame);
        picture.Frame(frame, Theme.Rule);
    }

    // The image in grey, in orange what is lost; returns the largest loss.
    private static double DrawLoss(Picture picture, SKRect frame, StudyImage study, double whole, OccludedSize size, int stride)
    {
        Shape shape = study.Shape;
        double[] loss = OcclusionStudy.Windows(shape, size.Size, stride).PerPixel((r, c) => Math.Max(0, whole - size.Map[r][c]));
        double largest = loss.Where(v => !double.IsNaN(v)).DefaultIfEmpty(0).Max();
        SKColor[] colors = PixelsOf(study).Colors;
        for (int i = 0; i < colors.Length && largest > 0; i++)
        {
            double share = double.IsNaN(loss[i]) ? 0 : loss[i] / largest;
            colors[i] = new SKColor(Mix(colors[i].Red, Theme.Vermilion.Red), Mix(colors[i].Green, Theme.Vermilion.Green), Mix(colors[i].Blue, Theme.Vermilion.Blue));

            byte Mix(byte grey, byte mark) => (byte)Math.Round(grey + 0.85 * share * (mark - grey));
        }
        picture.Image(new Raster(shape[1], shape[2], colors), frame);
        picture.Frame(frame, Theme.Rule);
        return largest;
    }

    // The colours of classes, from a right end, row below row: regions too small for a number have a name too.
    private static void DrawLegend(Picture picture, int[] classes, float right, float y)
    {
        const int inRow = 4;
        const float swatch = 9, entry = 27;
        for (int i = 0; i < classes.Length; i++)
        {
            int inThisRow = Math.Min(inRow, classes.Length - i / inRow * inRow);
            float x = right - (inThisRow - i % inRow) * entry, at = y + i / inRow * 14;
            picture.Fill(SKRect.Create(x, at - swatch / 2, swatch, swatch), ClassColors.Of(classes[i]));
            picture.Text($"{classes[i]}", x + swatch + 3, at + Theme.SmallSize * Picture.CapitalHeight / 2, Theme.SmallSize, Theme.Muted);
        }
    }

    private static void DrawBar(Picture picture, float left, float top, float height)
    {
        picture.Text("probability", left, top - 8, Theme.SmallSize, Theme.Muted);
        ColorScale.Viridis.DrawBar(picture, SKRect.Create(left, top, 14, height), [(0, "0"), (0.5, "0.5"), (1, "1")]);
    }

    private static OcclusionView View(Shape shape, OccludedSize size, int stride) => new(shape[1], shape[2], size.Size, stride);

    private static Raster PixelsOf(StudyImage image) => Raster.Of(image.Pixels, image.Shape[0], image.Shape[1], image.Shape[2]);
}

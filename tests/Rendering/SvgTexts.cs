using System.Globalization;
using System.Text;
using System.Xml.Linq;
using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

/// <summary>The texts of a picture as SVG, and where they stand.</summary>
internal static class SvgTexts
{
    /// <summary>Each text with the box around its letters, from the height of a capital to a little below the baseline.</summary>
    public static IReadOnlyList<(string Text, SKRect Box)> Of(XElement svg) => [.. svg.Descendants().Where(e => e.Name.LocalName == "text" && e.Value.Trim().Length > 0).Select(e => (e.Value.Trim(), BoxOf(e)))];

    /// <summary>A picture's texts stand within it, and none on another.</summary>
    public static IReadOnlyList<string> AssertApart(byte[] picture, string name)
    {
        XElement svg = XElement.Parse(Encoding.UTF8.GetString(picture));
        var page = SKRect.Create(Numbers((string)svg.Attribute("width")!)[0], Numbers((string)svg.Attribute("height")!)[0]);
        IReadOnlyList<(string Text, SKRect Box)> texts = Of(svg);
        // From left to right, so that only those that begin before a text's end are compared with it.
        (string Text, SKRect Box)[] sorted = [.. texts.OrderBy(t => t.Box.Left)];
        for (int i = 0; i < sorted.Length; i++)
        {
            (string text, SKRect box) = sorted[i];
            Assert.True(page.Contains(box), $"{name}: '{text}' leaves the picture: {box} in {page}.");
            for (int k = i + 1; k < sorted.Length && sorted[k].Box.Left < box.Right; k++)
            {
                (string other, SKRect its) = sorted[k];
                // The axes' labels are drawn twice in one place.
                bool same = text == other && Math.Abs(its.Left - box.Left) < 1.5f && Math.Abs(its.Top - box.Top) < 1.5f;
                Assert.True(same || !box.IntersectsWith(its), $"{name}: '{text}' stands on '{other}'.");
            }
        }
        return [.. texts.Select(t => t.Text)];
    }

    private static SKRect BoxOf(XElement text)
    {
        float size = Numbers((string)text.Attribute("font-size")!)[0];
        float[] xs = Numbers((string)text.Attribute("x")!);
        float y = Numbers((string)text.Attribute("y")!)[0], last = Picture.TextWidth(text.Value.Trim()[^1..], size, bold: (string?)text.Attribute("font-weight") == "600");
        var box = new SKRect(xs[0], y - Picture.CapitalHeight * size, xs[^1] + last, y + 0.1f * size);
        if ((string?)text.Attribute("transform") is not { } transform) return box;
        float[] m = Numbers(transform[(transform.IndexOf('(', StringComparison.Ordinal) + 1)..^1]);
        SKMatrix matrix = transform.StartsWith("translate", StringComparison.Ordinal) ? SKMatrix.CreateTranslation(m[0], m.Length > 1 ? m[1] : 0) : new SKMatrix(m[0], m[2], m[4], m[1], m[3], m[5], 0, 0, 1);
        return matrix.MapRect(box);
    }

    private static float[] Numbers(string text) => [.. text.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Select(n => float.Parse(n, CultureInfo.InvariantCulture))];
}

using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What classes are called where people read it; JSON and CSV keep the numbers.</summary>
/// <param name="Names">By class; null: numbers alone.</param>
internal readonly record struct ClassNames(IReadOnlyList<string>? Names)
{
    /// <summary>What names in neighbouring columns leave free between them.</summary>
    public const float Apart = 9;

    // In pictures that grow with their texts.
    private const int LongestName = 24;

    // Of captions.
    private const float Line = 14;

    /// <summary>The model's names; if it has none, as a file of another program's making, those of data with as many classes.</summary>
    public static ClassNames Of(Model model, DataSet data) => new(model.ClassNames ?? (data.Classes == model.Classes ? data.ClassNames : null));

    /// <summary>The names that an evaluation was written with.</summary>
    public static ClassNames Of(IReadOnlyList<EvaluationJson.ClassRow> classes) => new(classes.All(c => c.Name is not null) ? [.. classes.Select(c => c.Name!)] : null);

    /// <summary>Whether classes are called otherwise than by their numbers.</summary>
    public bool Exist => Names is not null;

    /// <summary>Height that <see cref="DrawCaption"/> takes beyond that of a line.</summary>
    public float CaptionExtra => Exist ? Line : 0;

    /// <summary>A class's name alone: 3, or cat.</summary>
    public string this[int c] => Names is not null && c < Names.Count ? Names[c] : $"{c}";

    /// <summary>A class within a sentence: class 3, or cat; a name without a letter does not speak for itself.</summary>
    public string Words(int c) => this[c].Any(char.IsLetter) ? this[c] : $"class {this[c]}";

    /// <summary>A class's name for a picture that grows with it: what is longer than 24 characters loses its middle.</summary>
    public string Short(int c) => this[c] is { Length: > LongestName } name ? $"{name[..(LongestName / 2)]}…{name[^(LongestName / 2 - 1)..]}" : this[c];

    /// <summary>As much of a class's name as fits into a width; numbers are never cut.</summary>
    public string Fitting(int c, float width, float size = Theme.SmallSize, bool bold = false) => Exist ? Picture.WithoutMiddle(this[c], width, size, bold) : this[c];

    /// <summary>What an image is and what it is taken for.</summary>
    public string Verdict(int? label, int predicted) =>
        label is not { } known ? $"taken for {this[predicted]}" : known == predicted ? Words(known) : $"{Words(known)}, taken for {this[predicted]}";

    /// <summary>The same on one line if it fits into a width, else on two that do.</summary>
    public string[] VerdictLines(int? label, int predicted, float width, float size = Theme.SmallSize)
    {
        string all = Verdict(label, predicted);
        if (!Exist || Picture.TextWidth(all, size) <= width) return [all];
        const string taken = "taken for ";
        string prediction = $"{taken}{Fitting(predicted, width - Picture.TextWidth(taken, size), size)}";
        if (label is not { } known) return [prediction];
        return known == predicted ? [Picture.WithoutMiddle(Words(known), width, size)] : [$"{Picture.WithoutMiddle(Words(known), width - Picture.TextWidth(",", size), size)},", prediction];
    }

    /// <summary>Draws a class and a value below an image: a number before the value on its line, a name on a line of its own.</summary>
    /// <param name="picture">The picture.</param>
    /// <param name="c">The class.</param>
    /// <param name="separator">What stands between a number and the value.</param>
    /// <param name="value">The value.</param>
    /// <param name="x">The middle.</param>
    /// <param name="y">The middle of the first line.</param>
    /// <param name="width">The room for the name.</param>
    /// <param name="color">The colour.</param>
    public void DrawCaption(Picture picture, int c, string separator, string value, float x, float y, float width, SkiaSharp.SKColor color)
    {
        if (!Exist)
        {
            picture.TextCentred($"{c}{separator}{value}", x, y, Theme.SmallSize, color);
            return;
        }
        picture.TextCentred(Fitting(c, width), x, y, Theme.SmallSize, color);
        picture.TextCentred(value, x, y + Line, Theme.SmallSize, color);
    }
}

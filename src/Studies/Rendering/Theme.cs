using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// Colours and sizes of all pictures. The data colours are of Okabe and Ito's palette, which people with any of the usual colour vision
/// deficiencies tell apart (jfly.uni-koeln.de/color); what a colour says, a shape or a text says too.
/// </summary>
internal static class Theme
{
    public static SKColor Background { get; } = SKColors.White;

    public static SKColor Ink { get; } = new(0x1f, 0x23, 0x28);

    public static SKColor Muted { get; } = new(0x59, 0x63, 0x6e);

    public static SKColor Rule { get; } = new(0xd0, 0xd7, 0xde);

    public static SKColor Grid { get; } = new(0xe8, 0xeb, 0xee);

    /// <summary>The first series: training.</summary>
    public static SKColor Blue { get; } = new(0x00, 0x72, 0xb2);

    /// <summary>The second series and mistakes: validation, a wrong class.</summary>
    public static SKColor Vermilion { get; } = new(0xd5, 0x5e, 0x00);

    /// <summary>Vermilion as a ground behind lines.</summary>
    public static SKColor VermilionTint { get; } = new(0xfb, 0xef, 0xe5);

    public static SKColor Green { get; } = new(0x00, 0x9e, 0x73);

    public static SKColor Purple { get; } = new(0xcc, 0x79, 0xa7);

    /// <summary>Size of a picture's title, in units of which a pixel is half.</summary>
    public const float TitleSize = 18;

    /// <summary>Size of a panel's title.</summary>
    public const float HeadingSize = 14;

    /// <summary>Size of text, axis labels and captions.</summary>
    public const float TextSize = 12;

    /// <summary>Size of tick labels and of what is less important; nothing is smaller but numbers within small cells.</summary>
    public const float SmallSize = 11;

    /// <summary>White space around a picture.</summary>
    public const float Margin = 20;
}

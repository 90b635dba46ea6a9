using SkiaSharp;

namespace GpuConv.Studies;

/// <summary>
/// A colour for each class: Paul Tol's muted scheme (personal.sron.nl/~pault), which colour-blind eyes tell apart. Beyond ten they repeat; a picture
/// that uses them writes the class too.
/// </summary>
internal static class ClassColors
{
    private static readonly SKColor[] Colors =
        [.. ((string[])["#cc6677", "#332288", "#ddcc77", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499", "#bbbbbb"]).Select(SKColor.Parse)];

    public static SKColor Of(int c) => Colors[c % Colors.Length];
}

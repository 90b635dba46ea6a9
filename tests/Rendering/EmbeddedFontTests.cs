using System.Diagnostics;
using GpuConv.Studies;
using ScottPlot;
using SkiaSharp;

namespace GpuConv.Tests;

public class EmbeddedFontTests
{
    private const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:;%()[]{}+-=<>/*\u2212\u00d7\u00b7\u2192\u2264\u2265\u00b1\u00b5äöüßéàñøåčšž";

    [Fact]
    public void The_typefaces_are_ours_and_have_every_character_that_pictures_need()
    {
        Assert.Equal(("Inter", "Inter"), (EmbeddedFont.Regular.FamilyName, EmbeddedFont.Bold.FamilyName));
        Assert.True(EmbeddedFont.Bold.FontWeight > EmbeddedFont.Regular.FontWeight);
        using SKFont regular = EmbeddedFont.At(12), bold = EmbeddedFont.At(12, bold: true);
        foreach (char c in Characters)
        {
            Assert.True(regular.GetGlyph(c) != 0, $"The regular font lacks '{c}'.");
            Assert.True(bold.GetGlyph(c) != 0, $"The bold font lacks '{c}'.");
        }
    }

    [Fact]
    public void Every_visible_character_leaves_ink_and_no_two_look_alike()
    {
        var seen = new Dictionary<string, char>();
        foreach (char c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz%+\u2212".Except("cosuvwxzI")) // small letters shaped as capitals
        {
            using var picture = new Picture(30, 30);
            picture.Text(c.ToString(), 5, 22, 20);
            byte[] png = picture.ToPng();
            using SKBitmap bitmap = SKBitmap.Decode(png);
            Assert.Contains(bitmap.Pixels, pixel => pixel != SKColors.White);
            Assert.True(seen.TryAdd(Convert.ToHexString(png), c), $"'{c}' looks as '{seen.GetValueOrDefault(Convert.ToHexString(png))}': a placeholder was drawn.");
        }
    }

    [Fact]
    public void ScottPlot_gets_our_font_whatever_it_asks_for()
    {
        Plot plot = EmbeddedFont.NewPlot();
        Assert.Equal("Inter", plot.Axes.Bottom.TickLabelStyle.FontName);
        Assert.Equal("Inter", Fonts.Default);
        foreach (string name in new[] { "Inter", "Open Sans", "no such font" })
        {
            Assert.Equal("Inter", Fonts.GetTypeface(name, bold: false, italic: false).FamilyName);
            Assert.Equal(EmbeddedFont.Bold.FontWeight, Fonts.GetTypeface(name, bold: true, italic: true).FontWeight);
        }
    }

    [Fact]
    public void A_process_without_fonts_and_in_another_locale_draws_the_same_bytes()
    {
        using var folder = new TemporaryFolder();
        Run(folder.Path, new()
        {
            ["FONTCONFIG_FILE"] = "/nonexistent",
            ["FONTCONFIG_PATH"] = "/nonexistent",
            ["XDG_DATA_HOME"] = "/nonexistent",
            ["HOME"] = folder.Path,
            ["LC_ALL"] = "de_DE.UTF-8",
            ["LANG"] = "de_DE.UTF-8",
            ["TZ"] = "Asia/Tokyo",
        });
        foreach (string name in TrainingPicturesTests.Samples) Assert.Equal(TrainingPicturesTests.Draw(name), File.ReadAllBytes(folder[name + ".png"]));
    }

    /// <summary>Draws the sample pictures in a new process of this test program.</summary>
    private static void Run(string folder, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "GpuConv.Tests.exe" : "GpuConv.Tests"))
        {
            ArgumentList = { "--filter-method", "GpuConv.Tests.TrainingPicturesTests.Samples_repeat_to_the_byte" },
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // What a test platform has put into our environment would make the new process talk to it.
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("TESTINGPLATFORM", StringComparison.OrdinalIgnoreCase)).ToArray()) start.Environment.Remove(name);
        start.Environment["GPUCONV_PICTURES"] = folder;
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{output}{errors.Result}");
    }
}

using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

public class TrainingPicturesTests
{
    /// <summary>Every picture with ordinary and extreme data. With GPUCONV_PICTURES set to a folder they are kept there, to be looked at.</summary>
    public static TheoryData<string> Names => [.. Pictures.Keys];

    internal static readonly string[] Samples = ["curves", "predictions"];

    internal static readonly Dictionary<string, Func<Picture>> Pictures = new()
    {
        ["curves"] = () => TrainingPictures.Curves(MadeUpRun.History(10), 7),
        ["curves-one-epoch"] = () => TrainingPictures.Curves(MadeUpRun.History(1), 1),
        ["curves-without-validation"] = () => TrainingPictures.Curves(MadeUpRun.History(3, validation: false), null),
        ["curves-200"] = () => TrainingPictures.Curves(MadeUpRun.History(200), 181),
        ["curves-none"] = () => TrainingPictures.Curves([], null),
        ["curves-perfect"] = () => TrainingPictures.Curves([.. MadeUpRun.History(5).Select(r => r with { TrainAccuracy = r.Epoch > 2 ? 1 : 0.97 })], 5),
        ["curves-diverged"] = () => TrainingPictures.Curves([.. MadeUpRun.History(4).Select(r => r with { TrainLoss = r.Epoch > 2 ? double.NaN : 900, ValidationLoss = double.PositiveInfinity, TrainAccuracy = 0.1 })], 1),
        ["curves-all-diverged"] = () => TrainingPictures.Curves([.. MadeUpRun.History(2).Select(r => r with { TrainLoss = double.NaN, TrainAccuracy = double.NaN, ValidationLoss = null, ValidationAccuracy = null })], 2),
        ["curves-huge-loss"] = () => TrainingPictures.Curves([.. MadeUpRun.History(4).Select(r => r with { TrainLoss = 3e37, ValidationAccuracy = 0.1, TrainAccuracy = 0.1 })], 1),
        ["curves-tiny-loss"] = () => TrainingPictures.Curves([.. MadeUpRun.History(4).Select(r => r with { TrainLoss = 3e-7, ValidationLoss = 2e-7, ValidationAccuracy = 1, TrainAccuracy = 1 })], 1),
        ["curves-overfitted"] = () => TrainingPictures.Curves(MadeUpRun.Overfitted(10, 5), 5, MadeUpRun.Progress(10)),
        ["curves-inside-one-epoch"] = () => TrainingPictures.Curves(MadeUpRun.History(1), 1, MadeUpRun.Progress(1)),
        ["curves-inside-without-validation"] = () => TrainingPictures.Curves(MadeUpRun.History(10, validation: false), null, MadeUpRun.Progress(10)),
        ["network"] = () => TrainingPictures.Network(Network.Report(new Shape(1, 28, 28), 10, batchNormalization: true)),
        ["network-one-layer"] = () => TrainingPictures.Network(new NetworkBuilder(new Shape(5)).Linear(2).Build()),
        ["network-branches"] = () => TrainingPictures.Network(MadeUpRun.Branches()),
        ["network-wide"] = () => TrainingPictures.Network(NetworkText.Parse("input 3x1x900\nconv 4096 1x101 stride 1x7 pad 0,50,0,50 dilation 1x1\nglobalavgpool\nlinear 100000\nsoftmax\n")),
        ["mistakes"] = () => TrainingPictures.Mistakes([.. MadeUpRun.Predictions(50, 1).Select((p, i) => p with { Probability = 0.9999 - i * 0.01, TrueProbability = 0.0001 + i * 0.01 })], 84, 10_000),
        ["mistakes-none"] = () => TrainingPictures.Mistakes([], 0, 10_000),
        ["mistakes-one-named"] = () => TrainingPictures.Mistakes(MadeUpRun.Predictions(1, 1), 1, 3, ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]),
        ["predictions-64-colour"] = () => TrainingPictures.Predictions(MadeUpRun.Colours(12, 64)),
        ["predictions-8"] = () => TrainingPictures.Predictions(MadeUpRun.Colours(7, 8)),
        ["predictions-unknown"] = () => TrainingPictures.Predictions([.. MadeUpRun.Predictions(3, 2).Select(p => p with { Label = null })]),
        ["predictions"] = () => TrainingPictures.Predictions(MadeUpRun.Predictions(40, 13)),
        ["predictions-one"] = () => TrainingPictures.Predictions(MadeUpRun.Predictions(1, 1)),
        ["predictions-named"] = () => TrainingPictures.Predictions(MadeUpRun.Predictions(12, 4), ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]),
        ["confusion"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(10, 10_000, 0.985)),
        ["confusion-2"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(2, 300, 0.8)),
        ["confusion-named"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(10, 10_000, 0.9), ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]),
        ["confusion-26"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(26, 20_000, 0.93), [.. "ABCDEFGHIJKLMNOPQRSTUVWXYZ".Select(c => c.ToString())]),
        ["confusion-3"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(3, 300, 0.8)),
        ["confusion-47"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(47, 18_800, 0.88)),
        ["confusion-47-named"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(47, 18_800, 0.88), [.. Enumerable.Range(0, 47).Select(i => i == 5 ? "a name that is much too long to be read" : $"species {i}")]),
        ["confusion-3-named"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(3, 300, 0.8), ["cat", "dog", "long-tailed tit"]),
        ["confusion-62"] = () => TrainingPictures.Confusion(MadeUpRun.Counts(62, 100_000, 0.86)),
        ["confusion-empty-class"] = () => TrainingPictures.Confusion([[3, 1, 0], [0, 0, 0], [0, 2, 1_000_000]]),
    };

    [Theory, MemberData(nameof(Names))]
    public void Each_picture_is_drawn_within_its_margins(string name)
    {
        using Picture picture = Pictures[name]();
        Margins(picture, name);
        // To look at.
        if (Environment.GetEnvironmentVariable("GPUCONV_PICTURES") is { Length: > 0 } folder) File.WriteAllBytes(Path.Combine(folder, name + ".png"), picture.ToPng());
    }

    // The tests of margins look at what is drawn; this is what is written of it.
    [Theory, MemberData(nameof(Names))]
    public void A_picture_is_written_as_a_PNG(string name) => Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], Draw(name)[..4]);

    internal static byte[] Draw(string name)
    {
        using Picture picture = Pictures[name]();
        return picture.ToPng();
    }

    /// <summary>Nothing runs over the picture's edge: a band along it is white, and inside it something is drawn.</summary>
    internal static void Margins(Picture picture, string name)
    {
        const int band = 12;
        using SKSurface surface = PictureFile.Drawn(picture);
        using SKPixmap bitmap = surface.PeekPixels();
        ReadOnlySpan<uint> pixels = bitmap.GetPixelSpan<uint>();
        int ink = 0;
        for (int y = 0; y < bitmap.Height; y++)
        {
            for (int x = 0; x < bitmap.Width; x++)
            {
                if (pixels[y * bitmap.Width + x] == uint.MaxValue) continue; // white, in any order of the colours
                ink++;
                if (x < band || y < band || x >= bitmap.Width - band || y >= bitmap.Height - band) Assert.Fail($"{name}: something is drawn at ({x}, {y}), at the edge of {bitmap.Width} x {bitmap.Height}.");
            }
        }
        Assert.True(ink > 1000, $"{name}: only {ink} pixels are drawn.");
    }

    /// <summary>One picture by SkiaSharp alone and one with ScottPlot; also run in a process of its own by <see cref="EmbeddedFontTests"/>.</summary>
    [Fact]
    public void Samples_repeat_to_the_byte()
    {
        foreach (string name in Samples)
        {
            byte[] png = Draw(name);
            Assert.Equal(png, Draw(name));
            if (Environment.GetEnvironmentVariable("GPUCONV_PICTURES") is { Length: > 0 } folder) File.WriteAllBytes(Path.Combine(folder, name + ".png"), png);
        }
    }

    [Fact]
    public void A_confusion_matrix_must_be_square()
    {
        Assert.Throws<ArgumentException>(() => TrainingPictures.Confusion([]));
        Assert.Throws<ArgumentException>(() => TrainingPictures.Confusion([[1, 2]]));
    }
}

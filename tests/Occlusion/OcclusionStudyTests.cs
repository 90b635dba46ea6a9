using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class OcclusionStudyTests
{
    private static readonly Model Model = new(Network.Report(new Shape(1, 9, 11), 4, false), Weights.Initial(Network.Report(new Shape(1, 9, 11), 4, false), 3), 0.3f, 0.4f, "made up");

    // One, three channels.
    private static StudyImage Image(int channels = 1, int seed = 1, int? label = 2)
    {
        var pixels = new byte[channels * 9 * 11];
        new Random(seed).NextBytes(pixels);
        return new StudyImage($"image {seed}", null, label, new Shape(channels, 9, 11), pixels);
    }

    [Theory, MemberData(nameof(Fills))]
    public void A_map_is_that_of_covering_on_the_host_one_window_at_a_time_to_the_bit(string deviceName, string fill)
    {
        using var predictor = new Predictor(TestDevices.Get(deviceName), Model, 7);
        StudyImage image = Image();
        float[] cover = Cover.Of(fill, image, Model, 5);
        OcclusionResult result = Run(predictor, [image], new OcclusionOptions { Sizes = [2, 5, 9], Stride = 2, Fill = fill, Seed = 5 });
        using var arena = new DeviceArena(predictor.Device);
        foreach (OccludedSize size in result.Images[0].Sizes)
        {
            Assert.Equal(((9 - size.Size) / 2 + 1, (11 - size.Size) / 2 + 1), (size.Map.Length, size.Map[0].Length));
            for (int row = 0; row < size.Map.Length; row++)
            {
                for (int column = 0; column < size.Map[0].Length; column++)
                {
                    float[] covered = Model.Normalised(image.Pixels);
                    for (int y = 0; y < size.Size; y++)
                    {
                        for (int x = 0; x < size.Size; x++)
                        {
                            int at = (2 * row + y) * 11 + 2 * column + x;
                            covered[at] = (cover[at] / 255f - Model.Mean) / Model.Deviation;
                        }
                    }
                    float[] alone = predictor.Probabilities(1, (_, input) => input.CopyFrom(covered));
                    Assert.Equal(alone[2], size.Map[row][column]);
                    Assert.Equal(Array.IndexOf(alone, alone.Max()), size.PredictedMap[row][column]);
                }
            }
            Assert.Equal(size.Map.SelectMany(r => r).Average(v => (double)v), size.Mean, 12);
            Assert.Equal(size.Map.SelectMany(r => r).Min(), size.Minimum);
        }
    }

    public static TheoryData<string, string> Fills => [.. TestDevices.ForTraining.SelectMany(row => Cover.Names.Select(fill => TestDevices.Case(row.Data, fill)))];

    [Fact]
    public void Covering_by_what_is_there_changes_nothing_and_a_window_as_large_as_the_image_gives_one_value()
    {
        using var predictor = new Predictor(TestDevices.Get("cpu"), Model);
        var black = new StudyImage("black", 0, 1, new Shape(1, 9, 11), new byte[99]);
        OccludedImage result = Run(predictor, [black], new OcclusionOptions { Sizes = [3, 9] }).Images[0];
        Assert.All(result.Sizes.SelectMany(s => s.Map).SelectMany(r => r), p => Assert.Equal(result.Probability, (double)p));
        Assert.All(result.Sizes, s => Assert.Null(s.InkShareOfDrop));
        Assert.Equal(3, Assert.Single(result.Sizes[1].Map).Length);

        var square = new Model(Network.Report(new Shape(1, 8, 8), 3, true), Weights.Initial(Network.Report(new Shape(1, 8, 8), 3, true), 1), 0.3f, 0.4f, "");
        using var other = new Predictor(TestDevices.Get("cpu"), square);
        OccludedSize whole = Run(other, [new StudyImage("x", 0, 0, new Shape(1, 8, 8), [.. Enumerable.Range(0, 64).Select(i => (byte)(3 * i))])], new OcclusionOptions { Sizes = [8], Fill = "mean" }).Images[0].Sizes[0];
        float[] mean = other.Probabilities(1, (_, input) => input.CopyFrom(new float[64]));
        Assert.Equal(mean[0], Assert.Single(Assert.Single(whole.Map)));
    }

    [Fact]
    public void Without_a_label_the_predicted_class_is_followed()
    {
        using var predictor = new Predictor(TestDevices.Get("cpu"), Model);
        OccludedImage result = Run(predictor, [Image(label: null)], new OcclusionOptions { Sizes = [4] }).Images[0];
        Assert.Equal(result.Predicted, result.Class);
        Assert.True(result.Probability >= 0.25);
    }

    [Fact]
    public void The_share_of_the_loss_on_ink_is_that_of_the_windows_over_it()
    {
        // By hand: windows of 2 x 2 on 2 x 3 pixels, at columns 0 and 1; values 1 and 4. Middle pixels lie under both.
        Assert.Equal([1, 2.5, 4, 1, 2.5, 4], new OcclusionWindows(2, 3, 2, 1).PerPixel((_, column) => column == 0 ? 1 : 4));
        // With a stride of 2 on 1 x 4 pixels and windows of 1, every second pixel is under none.
        Assert.Equal([7, double.NaN, 8, double.NaN], new OcclusionWindows(1, 4, 1, 2).PerPixel((_, column) => 7 + column));
    }

    [Fact]
    public void Covers_are_what_they_are_called()
    {
        StudyImage image = Image(channels: 3);
        Assert.All(Cover.Of("zero", image, Model, 1), v => Assert.Equal(0, v));
        Assert.All(Cover.Of("mean", image, Model, 1), v => Assert.Equal(255 * 0.3f, v));
        Assert.All(Cover.Of("grey", image, Model, 1), v => Assert.Equal(127.5f, v));
        Assert.Equal(Cover.Of("noise", image, Model, 1), Cover.Of("noise", image, Model, 1));
        Assert.NotEqual(Cover.Of("noise", image, Model, 1), Cover.Of("noise", image, Model, 2));
        // Blurring keeps what is even and evens out what is not.
        Assert.All(Cover.Of("blur", image with { Pixels = [.. Enumerable.Repeat((byte)90, 297)] }, Model, 1), v => Assert.Equal(90, v, 1e-4));
        float[] blurred = Cover.Of("blur", image, Model, 1);
        Assert.InRange(blurred.Max() - blurred.Min(), 1, 90);
        Assert.NotEqual(blurred[..99], blurred[99..198]);
    }

    [Fact]
    public void Claims_follow_from_the_numbers()
    {
        Claim Of(double small, double large, double least, double inkShareOfDrop, double whole = 0.99) => OcclusionClaims.Check(
            [new(2, small, 0.9, 0, inkShareOfDrop), new(16, large, least, 1, inkShareOfDrop)],
            [new("a", 0, 0, 0, 0, whole, 0.2, [new(2, small, 0.9, inkShareOfDrop, [], []), new(16, large, least, inkShareOfDrop, [], [])])])[0];
        Assert.Equal(Claim.True, Of(0.98, 0.3, 0, 0.5).Verdict);
        Assert.Equal(Claim.Partly, Of(0.98, 0.7, 0.1, 0.5).Verdict);
        Assert.Equal(Claim.False, Of(0.98, 0.9, 0.6, 0.5).Verdict);
        Assert.Equal(Claim.False, Of(0.8, 0.3, 0, 0.5).Verdict);
        Assert.Equal(Claim.NotSettled, Of(0.2, 0.1, 0, 0.5, whole: 0.2).Verdict);

        string Sees(params double?[] shares) => OcclusionClaims.Check([new(2, 1, 1, 0, null)], [.. shares.Select(s => new OccludedImage("a", 0, 0, 0, 0, 1, 0.2, [new(2, 1, 1, s, [], [])]))])[1].Verdict;
        Assert.Equal(Claim.True, Sees(0.31, 0.9, null));
        Assert.Equal(Claim.Partly, Sees(0.31, 0.9, 0.2));
        Assert.Equal(Claim.False, Sees(0.2, 0.9));
        Assert.Equal(Claim.NotSettled, Sees(null, null));
    }

    [Fact]
    public void Cells_of_a_map_have_their_middle_where_the_windows_have_theirs()
    {
        // An image of 10 x 10 in a frame of 100 x 100: windows of 4 at columns 0, 3, 6 have their middles at 20, 50, 80.
        SkiaSharp.SKRect cells = new OcclusionView(10, 10, 4, 3).Cells(SkiaSharp.SKRect.Create(7, 5, 100, 100), 3, 3);
        Assert.Equal([27, 57, 87], Enumerable.Range(0, 3).Select(c => cells.Left + (c + 0.5f) * cells.Width / 3));
        Assert.Equal([25, 55, 85], Enumerable.Range(0, 3).Select(r => cells.Top + (r + 0.5f) * cells.Height / 3));
    }

    [Fact]
    public void Regions_are_connected_and_marked_inside()
    {
        int[][] map = [[1, 1, 2], [1, 3, 2], [1, 1, 2], [3, 2, 2], [3, 2, 2]];
        Assert.Equal([(1, 1.5, 0.5, 1), (2, 4, 2, 2), (3, 1.5, 1.5, 1), (3, 3.5, 0.5, 1)], WindowMap.Regions(map).OrderBy(r => r.Class).ThenBy(r => r.Row));
        // A bulge at the end of a thin stroke is where there is room.
        int[][] stroke = [[5, 0, 0, 0, 5], [5, 5, 5, 5, 5], [5, 0, 5, 5, 5], [0, 0, 5, 5, 5]];
        Assert.Contains((5, 2.5, 3.5, 3), WindowMap.Regions(stroke));
    }

    [Theory, InlineData(1, false), InlineData(3, true)]
    public void Pictures_are_drawn_for_grey_and_coloured_images(int channels, bool perPixel)
    {
        Network network = new NetworkBuilder(new Shape(channels, 9, 11)).Conv2D(3, 3).Relu().Flatten().Linear(47).LogSoftmax().Build();
        using var predictor = new Predictor(TestDevices.Get("cpu"), new Model(network, Weights.Initial(network, 1), 0.3f, 0.4f, ""));
        StudyImage[] images = [Image(channels, label: 46), Image(channels, 2, null) with { Name = "/a/very/long/path/to/a/picture-of-something.png" }];
        OcclusionResult result = Run(predictor, images, new OcclusionOptions { Sizes = [1, 9], Stride = 4 });
        Picture[] drawn = [OcclusionPictures.Page(result, images, perPixel, default), .. result.Images.Select((r, i) => OcclusionPictures.Sheet(r, images[i], "noise", 4, perPixel, default))];
        foreach (Picture picture in drawn)
        {
            TrainingPicturesTests.Margins(picture, "occlusion");
            picture.Dispose();
        }
    }

    private static OcclusionResult Run(Predictor predictor, StudyImage[] images, OcclusionOptions options) => OcclusionStudy.Run(predictor, images, options, _ => { }, CancellationToken.None);
}

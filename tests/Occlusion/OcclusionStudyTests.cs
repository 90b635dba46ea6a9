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
    public void Sizes_are_judged_image_by_image()
    {
        // What windows of 2 and of 16 leave, of 0.9 and a little.
        string Of(double small, double large, double spread = 0.01, int[]? sizes = null) => OcclusionClaims.Check(
            sizes ?? [2, 16], Judged(20, i => new(i, 0.9 + 0.001 * i, [small + spread * (i % 3), large + spread * (i % 4)], 1, 1, 1, 1, 1)), null)[0].Verdict;
        Assert.Equal(Claim.True, Of(0.9, 0.5));
        Assert.Equal(Claim.Partly, Of(0.9, 0.8));
        Assert.Equal(Claim.Partly, Of(0.4, 0.5));
        Assert.Equal(Claim.False, Of(0.8, 0.9));
        Assert.Equal(Claim.NotSettled, Of(0.9, 0.5, 0.1));
        Assert.Equal(Claim.NotSettled, Of(0.9, 0.5, sizes: [6, 16]));
        Assert.Equal(Claim.NotSettled, Of(0.9, 0.5, sizes: [2, 12]));
    }

    [Fact]
    public void Ink_must_beat_another_image_the_box_and_every_untrained_network()
    {
        string Of(double own, double other = 1.5, double box = 1.5, double untrained = 1.5, double bySeed = 0.01, double byImage = 0.2, int seeds = 10) => OcclusionClaims.Check(
            [2], Judged(40, i => new(i, 0.9, [0.9], own + byImage * (i / seeds % 2), other, box, (ulong)(i % seeds), untrained + bySeed * (i % seeds))), null)[1].Verdict;
        Assert.Equal(Claim.True, Of(3));
        Assert.Equal(Claim.False, Of(3, other: 3.5));
        Assert.Equal(Claim.False, Of(3, box: 3.5));
        Assert.Equal(Claim.False, Of(3, untrained: 3.5));
        Assert.Equal(Claim.NotSettled, Of(3, other: 3));
        Assert.Equal(Claim.False, Of(3, box: 3, byImage: 0.01));
        // Above the untrained networks' mean and its interval, but not above what one of them may do.
        Assert.Equal(Claim.NotSettled, Of(3, bySeed: 0.2));
        Assert.Equal(Claim.NotSettled, Of(3, seeds: 1));
        Claim unfit = OcclusionClaims.Check([2], null, "there is nothing")[1];
        Assert.Equal((Claim.NotSettled, "there is nothing."), (unfit.Verdict, unfit.Measured));
    }

    [Fact]
    public void A_network_that_reads_digits_sees_their_strokes_and_nothing_else_does()
    {
        DataSet mnist = DataSet.Load(DataSet.Mnist);
        DataSet data = mnist with { Train = Halved(mnist.Train.First(3000)), Test = Halved(mnist.Test.First(200)) };
        Network network = new NetworkBuilder(new Shape(1, 14, 14)).Conv2D(8, 3).Relu().MaxPool(3).Flatten().Linear(10).LogSoftmax().Build();
        using var trainer = new Trainer(TestDevices.Get("cpu"), network, data, new TrainingOptions { Epochs = 5, Batch = 32, Validation = 100, LearningRate = 0.01, Seed = 1 });
        trainer.Run();
        bool[][] ink = InkComparison.InkOf(data.Test);
        OcclusionNulls Of(Weights weights, bool[][] masks, LabelledImages? images = null) => Nulls(new Model(network, weights, data.Mean, data.Deviation, "mnist"), images ?? data.Test, masks, 2, 6);

        OcclusionNulls seen = Of(trainer.CurrentWeights, ink);
        Assert.True(Strokes(seen).Verdict == Claim.True, Strokes(seen).Measured);
        // Each image with the ink of the one after it, as if that were its own.
        Assert.NotEqual(Claim.True, Strokes(Of(trainer.CurrentWeights, [.. ink[1..], ink[0]])).Verdict);
        Assert.NotEqual(Claim.True, Strokes(seen with { Images = [.. seen.Images.Select(i => i with { OwnInk = i.EvenBox })] }).Verdict);
        foreach (ulong seed in (ulong[])[20, 21]) Assert.NotEqual(Claim.True, Strokes(Of(Weights.Initial(network, seed), ink)).Verdict);
        // Of one class alone there is no other ink.
        OcclusionNulls alone = Of(trainer.CurrentWeights, ink[..20], data.Test.First(20) with { Labels = new int[20] });
        Assert.True(alone.OtherInk is null && Strokes(alone).Verdict != Claim.True);
    }

    [Theory, InlineData(20), InlineData(21)]
    public void Windows_of_an_untrained_network_take_nothing_by_their_size(ulong seed)
    {
        DataSet data = DataSet.Load(DataSet.Mnist);
        Network network = new NetworkBuilder(new Shape(1, 28, 28)).Conv2D(8, 5).Relu().MaxPool(4).Flatten().Linear(10).LogSoftmax().Build();
        LabelledImages images = data.Test.First(20);
        OcclusionNulls nulls = Nulls(new Model(network, Weights.Initial(network, seed), data.Mean, data.Deviation, "mnist"), images, InkComparison.InkOf(images), 4, 16);
        Assert.NotEqual(Claim.True, OcclusionClaims.Check([4, 16], nulls, null)[0].Verdict);
    }

    [Fact]
    public void Ratios_and_box_are_those_that_a_hand_finds()
    {
        // Of 3 lost, 2 lie on the mask, half of the four pixels that any window reached.
        bool[] mask = [true, false, true, false, true];
        Assert.Equal(2 / 3.0 / 0.5, InkComparison.RatioOf([[1, 0, 1, 1, double.NaN]], mask)!.Value, 12);
        Assert.Equal((2 + 0) / 2.0, InkComparison.RatioOf([[1, 0, 0, 0, double.NaN], [0, 0, 0, 0, 0], [0, 1, 0, 0, double.NaN]], mask)!.Value, 12);
        Assert.Null(InkComparison.RatioOf([[0, 0, 0, 0, 0]], mask));
        Assert.Null(InkComparison.RatioOf([[1, 0, 0, 0, 0]], new bool[5]));
        // 20 images with one column of ink, of which one has a dot far out.
        bool[][] ink = [.. Enumerable.Range(0, 20).Select(i => Enumerable.Range(0, 30).Select(p => (p % 6 == 2 && p / 6 is 1 or 2) || (i == 0 && p == 29)).ToArray())];
        Assert.Equal(new ImageRegion(1, 2, 2, 1), InkComparison.BoxOf(ink, 5, 6));
        Assert.Equal(new ImageRegion(1, 2, 4, 4), InkComparison.BoxOf(ink[..2], 5, 6));
    }

    [Fact]
    public void What_claims_are_judged_by_is_the_same_on_any_number_of_threads_and_counts_as_work()
    {
        DataSet data = SmallData.Create(test: 12);
        OcclusionNulls[] nulls = [.. new[] { 1, 3 }.Select(threads =>
        {
            using var device = Device.Open("cpu", threads: threads);
            using var predictor = new Predictor(device, new Model(SmallData.Network(), Weights.Initial(SmallData.Network(), 30), 0.4f, 0.2f, ""));
            var seen = new List<StudyProgress>();
            OcclusionResult result = OcclusionStudy.Run(predictor, [StudyImages.Of(data.Test, 0)], data.Test, new OcclusionOptions { Sizes = [1, 4] }, seen.Add, default);
            int last = 64 + 25 + 2 * 12 * (16 + 9);
            Assert.All(seen, at => Assert.Equal(last, at.Total));
            Assert.Equal(seen.Select(at => at.Done).Order(), seen.Select(at => at.Done));
            Assert.Equal(last - 9, seen[^1].Done);
            return result.Nulls!;
        })];
        Assert.Equal(nulls[0].Images.Select(i => (i.OwnInk, i.OtherInk, i.EvenBox, i.Seed, i.Untrained)), nulls[1].Images.Select(i => (i.OwnInk, i.OtherInk, i.EvenBox, i.Seed, i.Untrained)));
        Assert.Equal(12, nulls[0].Images.Count);
    }

    [Fact]
    public void Images_that_do_not_fit_settle_nothing()
    {
        using var predictor = new Predictor(TestDevices.Get("cpu"), Model);
        string Of(LabelledImages? test) => string.Join(' ', OcclusionStudy.Run(predictor, [Image()], test, new OcclusionOptions { Sizes = [4] }, _ => { }, default).Claims.Select(c => $"{c.Verdict}: {c.Measured}"));
        Assert.Contains("not settled: there are no test images", Of(null));
        Assert.Contains("not settled: the test images are 1x8x8", Of(SmallData.Create().Test));
        Assert.Contains("not settled: the test images have classes", Of(new LabelledImages(new byte[99], [4], 1, 9, 11)));
        Assert.Contains("not settled: no window took anything", Of(new LabelledImages(new byte[198], [0, 1], 1, 9, 11)));
    }

    private static Claim Strokes(OcclusionNulls nulls) => OcclusionClaims.Check([2], nulls, null)[1];

    private static OcclusionNulls Nulls(Model model, LabelledImages images, bool[][] ink, params int[] sizes)
    {
        using var predictor = new Predictor(TestDevices.Get("cpu"), model);
        return InkComparison.Of(predictor, images, ink, new OcclusionOptions { Sizes = sizes }, (_, _) => { }, default);
    }

    // Four pixels in one: the same digits for a quarter of the work.
    private static LabelledImages Halved(LabelledImages images)
    {
        int width = images.Width / 2, plane = images.Height / 2 * width;
        byte Mean(int i, int y, int x) => (byte)((images.Image(i)[y * images.Width + x] + images.Image(i)[y * images.Width + x + 1] + images.Image(i)[(y + 1) * images.Width + x] + images.Image(i)[(y + 1) * images.Width + x + 1]) / 4);
        return new LabelledImages([.. Enumerable.Range(0, images.Count * plane).Select(p => Mean(p / plane, p % plane / width * 2, p % width * 2))], images.Labels, 1, images.Height / 2, width);
    }

    private static OcclusionNulls Judged(int count, Func<int, JudgedImage> of) => new(2, default, [.. Enumerable.Range(0, count).Select(of)]);

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

    private static OcclusionResult Run(Predictor predictor, StudyImage[] images, OcclusionOptions options) => OcclusionStudy.Run(predictor, images, null, options, _ => { }, CancellationToken.None);
}

using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class ClassNamesTests
{
    private const string Long = "a-rather-long-class-name-here";

    private static readonly ClassNames Named = new(["cat", Long, "7"]), Numbers = new(null);

    [Fact]
    public void Numbers_stay_numbers_and_names_speak_for_themselves()
    {
        Assert.Equal(("2", "class 2", "class 2, taken for 1"), (Numbers[2], Numbers.Words(2), Numbers.Verdict(2, 1)));
        Assert.Equal(("cat", "cat", "class 7", "3"), (Named[0], Named.Words(0), Named.Words(2), Named[3]));
        Assert.Equal(("cat", "taken for cat", $"cat, taken for {Long}"), (Named.Verdict(0, 0), Named.Verdict(null, 0), Named.Verdict(0, 1)));
        Assert.Equal(("cat", "a-rather-lon…s-name-here"), (Named.Short(0), Named.Short(1)));
        Assert.Equal(["class 2, taken for 1"], Numbers.VerdictLines(2, 1, 1));
        Assert.Equal(["cat,", "taken for a-…e"], Named.VerdictLines(0, 1, 80));
        Assert.Equal("46", Numbers.Fitting(46, 1));
    }

    [Fact]
    public void Names_of_the_model_go_before_those_of_data_with_as_many_classes()
    {
        DataSet data = DataOf(3, ["a", "b", "c"]), two = DataOf(2, ["a", "b"]);
        Model model = ModelOf(3, 1);
        Assert.Equal(["a", "b", "c"], ClassNames.Of(model, data).Names!);
        Assert.Null(ClassNames.Of(model, two).Names);
        Assert.Equal(["x", "y", "z"], ClassNames.Of(model with { ClassNames = ["x", "y", "z"] }, data).Names!);
    }

    [Theory, InlineData("cat"), InlineData(Long), InlineData("great white shark"), InlineData("Corn_(maize)___Common_rust_"), InlineData("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"), InlineData("-- --")]
    public void Lines_are_no_wider_than_their_room_and_lose_nothing_where_it_suffices(string text)
    {
        foreach (float width in (float[])[24, 40, 60, 90, 200, 1000])
        {
            string whole = Picture.WithoutMiddle(text, width);
            Assert.True(Picture.TextWidth(whole) <= width, whole);
            Assert.Equal(Picture.TextWidth(text) <= width, whole == text);
            Assert.Equal((text[0], text[^1]), (whole[0], whole.Length > 2 ? whole[^1] : text[^1]));
            string[] lines = Picture.Broken(text, width, 3);
            Assert.InRange(lines.Length, 1, 3);
            Assert.All(lines, line => Assert.True(line.Length > 0 && Picture.TextWidth(line) <= width, $"{string.Join('|', lines)} at {width}"));
            static string Packed(IEnumerable<char> letters) => string.Concat(letters.Where(c => c != ' '));
            if (!lines[^1].Contains('…')) Assert.Equal(Packed(text), Packed(string.Concat(lines)));
            else Assert.True(lines.Length == 3);
        }
        Assert.Equal(["great white", "shark"], Picture.Broken("great white shark", 80, 3));
        Assert.Equal(["Corn_(maize)___", "healthy"], Picture.Broken("Corn_(maize)___healthy", 105, 3));
    }

    [Theory, InlineData(3), InlineData(47)]
    public void Pictures_hold_the_names_of_few_and_many_classes_apart_from_one_another(int classes)
    {
        string[] called = [.. Enumerable.Range(0, classes).Select(c => (c % 5) switch { 0 => $"kind {c}", 1 or 2 => $"{Long}-{c}", _ => $"WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW {c}" })];
        DataSet data = DataOf(classes, called);
        Model model = ModelOf(classes, 1) with { ClassNames = called }, other = ModelOf(classes, 2);
        Device device = TestDevices.Get("cpu");
        Shape shape = model.Network.InputShape;
        var names = ClassNames.Of(model, data);
        using var predictor = new Predictor(device, model);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        StudyImage[] images = [StudyImages.Of(data.Test, 1), StudyImages.Of(data.Test, 3 % classes) with { Name = "/a/very/long/path/to/a/picture-of-something.png", Label = null }];

        OcclusionResult occlusion = OcclusionStudy.Run(predictor, images, null, new OcclusionOptions { Sizes = [1, 9], Fill = "noise" }, _ => { }, cancellation);
        IEnumerable<(string Name, Picture Picture)> pictures =
        [
            ("occlusion", OcclusionPictures.Page(occlusion, images, false, names)),
            .. images.Select((image, i) => ($"occlusion {i}", OcclusionPictures.Sheet(occlusion.Images[i], image, "noise", 1, false, names))),
        ];
        var legend = new ClassLegend(Enumerable.Range(0, classes), names, 400);
        var legends = new Picture(400, legend.Height);
        legend.Draw(legends, 0, 0);
        pictures = pictures.Append(("legend", legends));
        FoolResult fool = FoolStudy.Run(device, model, data, new FoolOptions { Steps = [1, 2], Seeds = 1, SaveEvery = 0 }, _ => { }, cancellation);
        pictures = pictures.Concat([("fool", FoolPictures.Sheet(fool, shape, data.Train, names)), ("costs", FoolPictures.Costs(fool, names)), ("regularised", FoolPictures.Regularised(fool, shape, names)), ("path", FoolPictures.Path(fool, shape, names).First())]);
        TargetResult target = TargetStudy.Run(device, predictor, data, new TargetOptions { Steps = 1, Beta = 1 }, _ => { }, cancellation);
        pictures = pictures.Concat([("target", TargetPictures.Matrix(target, shape, names)), ("success", TargetPictures.Success(target, names))]);
        NoiseResult noise = NoiseStudy.Run(device, model, other, data, new NoiseOptions { Epsilons = [0.1f, 0.2f], Steps = 1, Batch = 4 }, _ => { }, cancellation);
        pictures = pictures.Concat([("classes", NoisePictures.ByClass(noise, names)), ("patterns", NoisePictures.Patterns(noise, shape, names)), ("examples", NoisePictures.Examples(noise, shape, data.Test, names))]);
        foreach ((string name, Picture picture) in pictures)
        {
            using (picture)
            {
                IReadOnlyList<string> texts = SvgTexts.AssertApart(PictureFile.Encode(picture, PictureFormat.Svg), name);
                Assert.Contains(texts, t => t.Contains("kind ", StringComparison.Ordinal) || t.Contains("a-r", StringComparison.Ordinal) || t.Contains("WW", StringComparison.Ordinal));
            }
        }
    }

    private static Model ModelOf(int classes, ulong seed)
    {
        Network network = new NetworkBuilder(new Shape(1, 10, 10)).Conv2D(2, 3).Relu().Flatten().Linear(classes).LogSoftmax().Build();
        return new Model(network, Weights.Initial(network, seed), 0.3f, 0.4f, "own");
    }

    // Two images of each class.
    private static DataSet DataOf(int classes, string[] names)
    {
        var random = new Random(1);
        var pixels = new byte[2 * classes * 100];
        random.NextBytes(pixels);
        var images = new LabelledImages(pixels, [.. Enumerable.Range(0, 2 * classes).Select(i => i % classes)], 1, 10, 10);
        return new DataSet("own", images, images, classes, 0.3f, 0.4f, "") { ClassNames = names };
    }
}

using GpuConv.Net;
using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

public sealed class ImageFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Classes_are_numbered_by_their_names_and_every_fifth_picture_is_for_testing()
    {
        // Each picture is of one brightness that says which it is.
        foreach ((string name, int count, int from) in new[] { ("b", 11, 100), ("10", 3, 10), ("9", 5, 50) })
            for (int i = 0; i < count; i++) Picture($"{name}/{(char)('a' + i)}.png", from + i);
        DataSet set = Load();
        Assert.Equal(["10", "9", "b"], set.ClassNames!);
        Assert.Equal((3, Path.GetFileName(folder.Path)), (set.Classes, set.Name));
        Assert.Equal((1, 4, 6), (set.Train.Channels, set.Train.Height, set.Train.Width));
        Assert.Equal([12, 54, 104, 109], Brightness(set.Test).Order());
        Assert.Equal([10, 11, 50, 51, 52, 53, 100, 101, 102, 103, 105, 106, 107, 108, 110], Brightness(set.Train).Order());
        // Nine of b, four of 9 and two of 10, each with its middle at its share of the way: 1/18, 1/8, 3/18, 1/4, 5/18, 3/8, …
        Assert.Equal([2, 1, 2, 0, 2, 1, 2, 2, 2, 1, 2, 0, 2, 1, 2], [.. set.Train.Labels]);
        Assert.Equal([100, 50, 101, 10, 102, 51, 103, 105, 106, 52, 107, 11, 108, 53, 110], Brightness(set.Train));
        Assert.Equal(set.Train.Labels, Brightness(set.Train).Select(b => b >= 100 ? 2 : b >= 50 ? 1 : 0));
        double mean = set.Train.Pixels.Average(p => p / 255.0);
        Assert.Equal(mean, set.Mean, 1e-6);
        Assert.Equal(Math.Sqrt(set.Train.Pixels.Average(p => (p / 255.0 - mean) * (p / 255.0 - mean))), set.Deviation, 1e-6);
    }

    [Theory, InlineData("test"), InlineData("val")]
    public void Train_and_test_have_folders_of_their_own(string test)
    {
        for (int i = 0; i < 3; i++)
        {
            Picture($"train/cat/{i}.png", 10 + i);
            Picture($"train/dog/{i}.png", 20 + i);
            Picture($"{test}/dog/{i}.png", 30 + i);
        }
        DataSet set = Load();
        Assert.Equal(["cat", "dog"], set.ClassNames!);
        Assert.Equal([10, 20, 11, 21, 12, 22], Brightness(set.Train));
        Assert.Equal([30, 31, 32], Brightness(set.Test));
        Assert.Equal([1, 1, 1], set.Test.Labels);
    }

    [Fact]
    public void Colours_come_channel_by_channel_and_one_coloured_pixel_makes_all_images_three_channels()
    {
        PictureFolder.Write(folder["a/1.png"], 3, 5, true, (c, y, x) => 80 * c + 20 * y + x);
        for (int i = 2; i < 4; i++) PictureFolder.Write(folder[$"a/{i}.png"], 3, 5, false, (_, y, x) => 50 + y * x);
        for (int i = 0; i < 3; i++) PictureFolder.Write(folder[$"b/{i}.PNG"], 3, 5, false, (_, y, x) => 200 - y * x);
        DataSet set = Load();
        Assert.Equal((3, 3, 5), (set.Train.Channels, set.Train.Height, set.Train.Width));
        Assert.Equal([.. from c in Enumerable.Range(0, 3) from y in Enumerable.Range(0, 3) from x in Enumerable.Range(0, 5) select (byte)(80 * c + 20 * y + x)], set.Train.Image(0).ToArray());
        Assert.Equal([.. from c in Enumerable.Range(0, 3) from y in Enumerable.Range(0, 3) from x in Enumerable.Range(0, 5) select (byte)(200 - y * x)], set.Train.Image(1).ToArray());
    }

    [Fact]
    public void Pictures_of_any_size_are_scaled_when_a_size_is_given()
    {
        for (int i = 0; i < 3; i++)
        {
            PictureFolder.Write(folder[$"a/{i}.jpg"], 20 + i, 30, false, (_, _, _) => 40, SKEncodedImageFormat.Jpeg);
            PictureFolder.Write(folder[$"b/{i}.jpeg"], 9, 7 + i, false, (_, _, _) => 180, SKEncodedImageFormat.Jpeg);
        }
        DataSet set = StudyData.Load(folder.Path, "8x12");
        Assert.Equal((1, 8, 12), (set.Train.Channels, set.Train.Height, set.Train.Width));
        for (int i = 0; i < set.Train.Count; i++)
            foreach (byte p in set.Train.Image(i)) Assert.InRange(p, set.Train.Labels[i] == 0 ? 38 : 178, set.Train.Labels[i] == 0 ? 42 : 182);
        Assert.Equal((1, 16, 16), (StudyData.Load(folder.Path, "16") is { Train: var t } ? (t.Channels, t.Height, t.Width) : default));
    }

    [Fact]
    public void The_digest_is_that_of_images_and_names()
    {
        PictureFolder.Write(folder["set"], ["x", "y"], 5, 6, colour: false);
        string first = StudyData.Load(folder["set"], null).Sha256;
        Directory.Move(folder["set"], folder["moved"]);
        Assert.Equal(first, StudyData.Load(folder["moved"], null).Sha256);
        Directory.Move(folder["moved/y"], folder["moved/z"]);
        string renamed = StudyData.Load(folder["moved"], null).Sha256;
        Assert.NotEqual(first, renamed);
        PictureFolder.Write(folder["moved/x/0000.png"], 6, 6, false, (_, _, _) => 7);
        Assert.NotEqual(renamed, StudyData.Load(folder["moved"], null).Sha256);
    }

    [Fact]
    public void What_file_browsers_leave_is_passed_over()
    {
        foreach (string name in new[] { "a", "b" }) for (int i = 0; i < 2; i++) Picture($"{name}/{i}.png", name[0] + i);
        File.WriteAllText(folder["a/.DS_Store"], "");
        File.WriteAllText(folder["a/Thumbs.db"], "");
        Directory.CreateDirectory(folder[".git"]);
        Assert.Equal((2, 2), (Load().Train.Count, Load().Test.Count));
    }

    [Fact]
    public void What_is_wrong_is_said_with_its_file()
    {
        Assert.Equal($"{folder.Path} holds no data: expected {DataFinder.Expected}. It is empty.", Fails());
        for (int i = 0; i < 3; i++) Picture($"a/{i}.png", 10 + i);
        Assert.Equal($"{folder.Path} holds one class, 'a': it takes a folder of pictures for each of at least two.", Fails());
        Picture("b/0.png", 30);
        Assert.Equal($"{folder["b"]} holds one image: a class needs at least two, one to train on and one to test on.", Fails());
        Picture("b/1.png", 31);
        Assert.Equal(3, Load().Train.Count);

        Directory.CreateDirectory(folder["c"]);
        Assert.Equal($"{folder["c"]} holds no pictures: every class needs some (.png, .jpg, .jpeg, .bmp, .gif, .webp), or its folder must go.", Fails());
        Directory.CreateDirectory(folder["c/d"]);
        Assert.Equal($"{folder["c/d"]} is a folder within a class: pictures lie in {folder["c"]} itself.", Fails());
        Directory.Delete(folder["c"], true);

        File.WriteAllText(folder["b/2.tif"], "");
        Assert.Equal($"{folder["b/2.tif"]} is no picture by its name (.png, .jpg, .jpeg, .bmp, .gif, .webp). Take it out of the class's folder, or convert it.", Fails());
        File.Move(folder["b/2.tif"], folder["b/2.png"]);
        Assert.Equal($"{folder["b/2.png"]} is empty; pictures are PNG, JPEG, WebP, BMP and GIF.", Fails());
        PictureFolder.Write(folder["b/2.png"], 6, 4, false, (_, _, _) => 1);
        Assert.Equal($"{folder["b/2.png"]} has 6 x 4 pixels, {folder["a/0.png"]} 4 x 6. Scale all to one size, as with --image-size 4x6.", Fails());
        File.Delete(folder["b/2.png"]);
        foreach (string file in Directory.GetFiles(folder.Path, "*.png", SearchOption.AllDirectories)) PictureFolder.Write(file, 4, 6, false, (_, _, _) => 9);
        Assert.Equal($"{folder.Path}: every pixel of every training image is 9; there is nothing to learn from. Check how the file was made.", Fails());

        Directory.CreateDirectory(folder["train"]);
        foreach (string name in new[] { "a", "b" }) Directory.Move(folder[name], folder[$"train/{name}"]);
        Assert.EndsWith("there is nothing to learn from. Check how the file was made.", Fails());
        Directory.CreateDirectory(folder["test"]);
        Assert.Equal($"{folder["test"]} holds no folders of classes.", Fails());
        Picture("test/e/1.png", 3);
        Assert.Equal($"{folder["test/e"]}: there is no class 'e' to train on in {folder["train"]}.", Fails());
        foreach (string size in new[] { "0", "x", "8x", "8x8x8", "5000", "-3" })
            Assert.Equal($"--image-size {size}: a number of pixels, as 32, or height x width, as 32x48.", Assert.Throws<RequestException>(() => StudyData.Load(folder.Path, size)).Message);
        Assert.Equal("--image-size is for folders of class folders with pictures; mnist is none.", Assert.Throws<RequestException>(() => StudyData.Load("mnist", "8")).Message);
    }

    [Fact]
    public void Too_much_for_memory_is_seen_before_it_is_decoded()
    {
        foreach (string name in new[] { "a", "b" }) for (int i = 0; i < 2; i++) Picture($"{name}/{i}.png", 1);
        int decoded = 0;
        DataException e = Assert.Throws<DataException>(() => Load((_, _) => ++decoded > 0 ? new DecodedImage(30_000, 30_000, []) : null!));
        Assert.Equal($"{folder.Path}: 4 images of 30000 x 30000 pixels are 3.6 GB, more than the 2 that a set may have. Scale them down, as with --image-size 64.", e.Message);
        Assert.Equal(1, decoded);
        Assert.Equal($"{folder["a/1.png"]} cannot be read: gone", Assert.Throws<DataException>(() =>
            Load((file, _) => file.EndsWith("0.png", StringComparison.Ordinal) ? new DecodedImage(1, 1, [1, 2, 3]) : throw new IOException("gone"))).Message);
        Assert.Equal($"{folder.Path} holds pictures, and nothing is given that decodes them.", Assert.Throws<DataException>(() => DataSet.Load(folder.Path)).Message);

        DataSet Load(ImageDecoder decode) => DataSet.Load(folder.Path, new DataReading { Decode = decode }, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void A_model_keeps_the_names_of_its_classes()
    {
        Network network = new NetworkBuilder(new Kernels.Shape(4)).Linear(2).Build();
        string file = folder["m.safetensors"];
        string[] names = ["T-shirt \"top\"", "größer, \\n\n"];
        new Model(network, Weights.Initial(network, 1), 0, 1, "own") { ClassNames = names }.Write(file);
        Assert.Equal(names, Model.Read(file).ClassNames!);
        (Model.Read(file) with { ClassNames = null }).Write(file);
        Assert.Null(Model.Read(file).ClassNames);
        (Model.Read(file) with { ClassNames = ["one"] }).Write(file);
        Assert.Equal($"{file}: 'classes' in its metadata is not a list of 2 names.", Assert.Throws<ModelFileException>(() => Model.Read(file)).Message);
    }

    private DataSet Load() => StudyData.Load(folder.Path, null);

    private string Fails() => Assert.Throws<DataException>(Load).Message;

    private void Picture(string name, int brightness) => PictureFolder.Write(folder[name], 4, 6, false, (_, _, _) => brightness);

    private static int[] Brightness(LabelledImages images) => [.. Enumerable.Range(0, images.Count).Select(i =>
    {
        Assert.Equal(0, images.Image(i).ToArray().Count(p => p != images.Image(i)[0]));
        return (int)images.Image(i)[0];
    })];
}

using System.CommandLine;
using GpuConv.Net;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>What a user can get wrong, each with its exit code and the line that he sees. Nothing is written to standard output.</summary>
public class BadRequestTests
{
    /// <summary>Every option that is a number, of every command: none takes a comma for a decimal point, or leaves it out.</summary>
    [Fact]
    public void No_number_is_read_with_a_comma()
    {
        RootCommand root = GpuConvCommand.Create();
        int numbers = 0, fractions = 0;
        foreach (Command command in Below(root))
        {
            foreach (Option option in command.Options.Where(o => IsNumber(o.ValueType)))
            {
                numbers++;
                string[] words = [.. Words(command), option.Name];
                string[] errors = [.. root.Parse([.. words, "0,5"]).Errors.Select(e => e.Message)];
                Assert.True(errors.Any(m => m.Contains("0,5", StringComparison.Ordinal)), $"{string.Join(' ', words)} 0,5 is taken.");
                foreach (string text in (string[])["1 000", "1e", "five", ""]) Assert.NotEmpty(root.Parse([.. words, text]).Errors);
                if (!errors.Contains($"{option.Name} 0,5: numbers have a point; write 0.5.")) continue;
                fractions++;
                Assert.DoesNotContain(root.Parse([.. words, "1/2"]).Errors, e => e.Message.Contains("1/2", StringComparison.Ordinal));
            }
        }
        Assert.True(numbers > 60 && fractions > 20, $"{numbers} numbers, {fractions} of them fractions");

        static IEnumerable<Command> Below(Command command) => [command, .. command.Subcommands.SelectMany(Below)];
        static string[] Words(Command command) => command is RootCommand ? [] : [.. Words((Command)command.Parents.First()), command.Name];
        static bool IsNumber(Type type) => (Nullable.GetUnderlyingType(type) ?? type).GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(System.Numerics.INumber<>)) && type != typeof(char);
    }

    [Theory]
    [InlineData("trian", "trian")]
    [InlineData("train --epochs zero", "zero")]
    [InlineData("train --epochs 0", "--epochs 0: at least 1 epoch.")]
    [InlineData("train --lr -1", "--lr -1: a positive number.")]
    [InlineData("train --lr NaN", "--lr NaN: a number is wanted")]
    [InlineData("train --batch 0", "--batch 0: at least 1 image.")]
    [InlineData("train --validation 60000", "--validation 60000 leaves nothing of 60000 images to train on.")]
    [InlineData("train --validation some", "--validation some: a number of images from 0, or 'test'.")]
    [InlineData("train --optimizer sgd --momentum 1", "--momentum 1: from 0 up to")]
    [InlineData("train --optimizer adagrad", "adagrad")]
    [InlineData("train --label-smoothing 1", "--label-smoothing 1: from 0 up to")]
    [InlineData("train --init-gain 0", "--init-gain 0: a positive number.")]
    [InlineData("train --betas 0.9", "--betas 0.9: two numbers with a comma between them")]
    [InlineData("train --betas 0.9,1", "--betas 0.9,1: two numbers from 0 up to, not including, 1.")]
    [InlineData("train --betas NaN,0.9", "--betas NaN,0.9: two numbers with a comma")]
    [InlineData("train --distort -1", "--distort -1: from 0 to 5.")]
    [InlineData("train --distort NaN", "--distort NaN: a number is wanted")]
    [InlineData("train --distort 1 --augment", "leave --augment out")]
    [InlineData("train --dropout 1", "--dropout 1: from 0 up to, not including, 1.")]
    [InlineData("train --ema 1", "--ema 1: from 0 up to, not including, 1.")]
    [InlineData("train --eps-warmup 2", "--eps-warmup is for --adversarial")]
    [InlineData("train --adversarial pgd --epochs 4 --eps-warmup 5", "--eps-warmup 5: from 0 to the 4 epochs")]
    [InlineData("train --views 2", "2")]
    [InlineData("train --device gpu", "There is no device 'gpu'.")]
    [InlineData("train --device cuda:7", "uda")]
    [InlineData("train --device cpu --cuda-graph", "Only CUDA devices launch a step as one graph")]
    [InlineData("train --cuda-graph --profile", "--profile times each kernel for itself")]
    [InlineData("train --device auto:3", "There is no device 'auto:3'.")]
    [InlineData("train --device cpu --math tf32", "TF32 needs tensor cores")]
    [InlineData("bench --device simulated --math tf32", "TF32 needs tensor cores")]
    [InlineData("train --math bf16", "bf16")]
    [InlineData("train --early-stop 3 --validation 0", "--early-stop needs validation images")]
    [InlineData("train --momentum 0.9", "--momentum is for --optimizer sgd")]
    [InlineData("train --data /no/such/folder --verbose", "/no/such/folder")]
    [InlineData("train --threads -3", "-3 threads")]
    [InlineData("train --data /no/such/folder", "/no/such/folder")]
    [InlineData("train --init /no/such/file", "/no/such/file")]
    [InlineData("train --resume /no/such/run", "--resume /no/such/run: there is no checkpoint in it")]
    [InlineData("evaluate", "--model FILE is missing")]
    [InlineData("evaluate --model /no/such/model", "/no/such/model does not exist")]
    [InlineData("predict --model /no/such/model", "Give image files, or --random N")]
    [InlineData("summary --model /no/such/model --batch-norm", "contradict")]
    [InlineData("bench --batch 0", "--batch 0: whole numbers from 1 to")]
    [InlineData("bench --image-size 28,x", "--image-size 28,x: whole numbers from 4 to")]
    [InlineData("bench --seconds 0", "--seconds 0: above 0")]
    [InlineData("bench --what all,kernels", "all,kernels")]
    [InlineData("bench --what kernels --thread-list 1", "--thread-list are for steps and inference")]
    [InlineData("bench --what steps --only conv1", "--only is for kernels")]
    [InlineData("bench --device simulated --thread-list 1,2", "--thread-list is for --device cpu")]
    [InlineData("bench --what kernels --device cpu --quiet --only no-such", "--only no-such: no kernel")]
    public void A_wrong_request_gets_a_line_that_says_what_is_wrong(string request, string message)
    {
        using var folder = new TemporaryFolder();
        string[] arguments = request.Split(' ');
        if (arguments[0] == "train" && !request.Contains("--resume")) arguments = [.. arguments, "--out", folder["run"]];
        Output output = Run(arguments);
        Assert.Contains(message, output.Error);
        Assert.True(output.ExitCode == 2, $"exit code {output.ExitCode}: {output.Error}");
        Assert.Equal("", output.Standard);
        if (!request.Contains("--verbose"))
        {
            Assert.StartsWith("gpuconv: ", output.Error);
            Assert.InRange(output.Error.TrimEnd().Split('\n').Length, 1, 2);
            Assert.DoesNotContain("   at ", output.Error);
        }
        Assert.False(Directory.Exists(folder["run"]), "A request that is refused writes nothing.");
    }

    [Fact]
    public void A_damaged_model_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        string path = folder["model.safetensors"];
        File.WriteAllBytes(path, [8, 0, 0, 0, 0, 0, 0, 0, .. "{\"a\":1}}"u8]);
        Output output = Run("evaluate", "--model", path, "--device", "cpu");
        Assert.Equal(2, output.ExitCode);
        Assert.Contains(path, output.Error);
        File.WriteAllText(path, "not a model");
        Assert.Equal(2, Run("evaluate", "--model", path, "--device", "cpu").ExitCode);
        new SafetensorsFile([new NamedArray("conv1.weight", [1], [1])]).Write(path);
        Assert.Contains("does not say what its network is", Run("evaluate", "--model", path, "--device", "cpu").Error);
    }

    [Fact]
    public void Labels_that_the_model_does_not_know_are_named()
    {
        using var folder = new TemporaryFolder();
        DataSet small = SmallData.Create();
        Network network = NetworkText.Parse("input 1x8x8\nflatten\nlinear 2\nlogsoftmax\n");
        new Model(network, Weights.Initial(network, 1), 0, 1, "small").Write(folder["two.safetensors"]);
        IdxFolder.Write(folder.Path, small);
        Output output = Run("evaluate", "--model", folder["two.safetensors"], "--data", folder.Path, "--device", "cpu");
        Assert.Equal(2, output.ExitCode);
        Assert.Contains("Image 2 has label 2; the model knows 2 classes, 0 to 1.", output.Error);
    }

    [Fact]
    public void A_file_that_is_no_image_is_refused()
    {
        using var folder = new TemporaryFolder();
        Network network = NetworkText.Parse("input 1x8x8\nflatten\nlinear 2\nlogsoftmax\n");
        new Model(network, Weights.Initial(network, 1), 0, 1, "small").Write(folder["two.safetensors"]);
        File.WriteAllText(folder["digit.png"], "no picture");
        Output output = Run("predict", "--model", folder["two.safetensors"], folder["digit.png"], "--device", "cpu");
        Assert.Equal(2, output.ExitCode);
        Assert.Contains("digit.png is a text; pictures are PNG, JPEG, WebP, BMP and GIF.", output.Error);
        Assert.Contains("there is no such file", Run("predict", "--model", folder["two.safetensors"], folder["none.png"]).Error);
    }

    [Fact]
    public void Every_command_has_help_with_an_example()
    {
        foreach (string command in (string[])["devices", "summary", "train", "evaluate", "predict"])
        {
            Output output = Run(command, "--help");
            Assert.Equal(0, output.ExitCode);
            Assert.Contains("Example", output.Standard);
            Assert.Contains($"gpuconv {command}", output.Standard);
        }
    }
}

using System.CommandLine;
using System.Text;
using GpuConv.Net;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

/// <summary>Files of weights and networks' texts of other programs' making on the command line, and damaged checkpoints.</summary>
public sealed class WeightsCommandTests(MnistPart part) : IClassFixture<MnistPart>, IDisposable
{
    private const string Text = "conv 4 5x5 stride 2; relu; flatten; linear 10; logsoftmax";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_command_that_takes_weights_takes_allow_extra()
    {
        Command[] takers = [.. All(GpuConvCommand.Create()).Where(c => c.Options.Any(o => o.Name is "--model" or "--init"))];
        Assert.True(takers.Length > 10);
        Assert.All(takers, c => Assert.True(c.Options.Contains(NetworkInput.AllowExtra), c.Name));

        static IEnumerable<Command> All(Command command) => [command, .. command.Subcommands.SelectMany(All)];
    }

    [Fact]
    public void Tensors_too_many_are_left_out_if_asked_for()
    {
        Weights weights = Weights.Initial(NetworkText.Parse("input 1x28x28; " + Text), 3);
        new SafetensorsFile([.. weights.Arrays.Select(a => a with { Name = "_orig_mod." + a.Name }), new NamedArray("_orig_mod.mask", [1], [1])]).Write(folder["foreign.safetensors"]);
        string[] evaluate = ["evaluate", "--model", folder["foreign.safetensors"], "--network", Text, "--data", part.Path, "--device", "cpu"];
        string[] train = ["train", "--init", folder["foreign.safetensors"], "--network", Text, "--data", part.Path, "--device", "cpu", "--epochs", "1", "--quiet", "--out", folder["run"]];
        foreach (string[] command in (string[][])[evaluate, train])
            Refused("has '_orig_mod.mask', which belongs to no layer of the network. --allow-extra leaves it out.", command);
        Done([.. evaluate, "--allow-extra"]);
        Done([.. train, "--allow-extra"]);
        Assert.Equal(weights.Arrays.Select(a => (a.Name, a.Values[0])), Model.Read(Path.Combine(folder["run"], "init.safetensors")).Weights.Arrays.Select(a => (a.Name, a.Values[0])));
        Refused("--allow-extra cannot be given with --resume", "train", "--resume", folder["run"], "--allow-extra");
    }

    [Fact]
    public void A_file_of_PyTorch_is_told_with_two_lines_of_Python()
    {
        string path = folder.Write("old.pth", [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]);
        foreach (string[] command in (string[][])[["evaluate", "--model", path], ["train", "--init", path, "--out", folder["run"]]])
        {
            Output output = Run([.. command, "--data", part.Path, "--device", "cpu"]);
            Assert.Equal(2, output.ExitCode);
            string[] lines = [.. output.Error.TrimEnd().Split('\n').Select(l => l.TrimEnd())];
            Assert.Equal($"gpuconv: {path} is no safetensors file: it is a PyTorch file (a pickle). In Python, these lines make one of it:", lines[^3]);
            Assert.StartsWith("import torch", lines[^2]);
            Assert.StartsWith("safetensors.torch.save_file(", lines[^1]);
        }
        Assert.False(Directory.Exists(folder["run"]));
    }

    public static TheoryData<string, byte[]> Encoded => new()
    {
        { "Windows' line ends", Encoding.UTF8.GetBytes(Lines("\r\n")) },
        { "old Macs' line ends", Encoding.UTF8.GetBytes(Lines("\r")) },
        { "UTF-8 with byte order mark", [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(Lines("\r\n"))] },
        { "UTF-16", [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Lines("\r\n"))] },
        { "UTF-16, big endian", [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(Lines("\n"))] },
    };

    [Theory, MemberData(nameof(Encoded))]
    public void A_networks_text_may_be_encoded_as(string name, byte[] bytes) =>
        Assert.True(Done("summary", "--network", Lines("\n")) == Done("summary", "--network", folder.Write("net.txt", bytes)), name);

    [Fact]
    public void A_line_of_an_old_Macs_text_is_counted() => Refused("Line 3, column 1, 'rely'", "summary", "--network", folder.Write("net.txt", Encoding.UTF8.GetBytes(Lines("\r").Replace("relu", "rely"))));

    [Fact]
    public void A_networks_text_that_is_no_text_is_refused()
    {
        const string utf16 = "looks like UTF-16 without a byte order mark: save it as UTF-8.";
        Refused(utf16, "summary", "--network", folder.Write("le.txt", Encoding.Unicode.GetBytes(Lines("\n"))));
        Refused(utf16, "summary", "--network", folder.Write("be.txt", Encoding.BigEndianUnicode.GetBytes(Lines("\n"))));
        Refused("holds NUL characters: it is no text.", "summary", "--network", folder.Write("x.txt", [.. "flatten; linear 10; logsoftmax"u8, 0]));
    }

    [Fact]
    public void A_damaged_checkpoint_is_not_gone_on_from_and_one_without_a_checksum_is_told()
    {
        Done("train", "--network", Text, "--data", part.Path, "--device", "cpu", "--epochs", "1", "--quiet", "--out", folder["run"]);
        string state = Path.Combine(folder["run"], "checkpoint", "state.safetensors");
        string[] resume = ["train", "--resume", folder["run"], "--epochs", "2", "--quiet"];
        byte[] whole = File.ReadAllBytes(state), without = ChecksumTests.WithoutChecksum(whole);

        byte[] flipped = [.. whole];
        flipped[^1000] ^= 4;
        File.WriteAllBytes(state, flipped);
        Refused($"{state} is damaged: its checksum is wrong. Copy it again, or take an earlier one.", resume);

        Renamed("weights/fc1.weight", "weights/fc1.weig`t");
        Refused($"{state} has no 'fc1.weight'", resume);
        Renamed("ValidationLoss\\\"", "ValidationLos{\\\"");
        Refused($"{state}: its position cannot be read.", resume);

        SafetensorsFile file = SafetensorsFile.Read(folder.Write("whole.safetensors", whole));
        foreach (string part in (string[])["weights/", "best/"])
        {
            NamedArray[] arrays = [.. file.Tensors.Select(t => t.Name == $"{part}fc1.bias" ? t with { Values = [.. t.Values[..^1], float.NaN] } : t)];
            new SafetensorsFile(arrays, file.Metadata).Write(state);
            Refused($"{state}: element 9 of 'fc1.bias' is NaN.", resume);
        }

        File.WriteAllBytes(state, without);
        Output output = Run(resume);
        Assert.Equal(0, output.ExitCode);
        Assert.Equal($"{state} has no checksum, as an older version wrote it: damage to it may go unnoticed.", output.Error.Trim());
        Assert.True(Checkpoint.Read(state).HadChecksum);

        void Renamed(string from, string to) => File.WriteAllBytes(state, Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(without).Replace(from, to, StringComparison.Ordinal)));
    }

    private static string Lines(string end) => "input 1x28x28\nconv 4 5x5 stride 2\nrelu\nflatten\nlinear 10\nlogsoftmax\n".Replace("\n", end, StringComparison.Ordinal);

    private static void Refused(string message, params string[] arguments)
    {
        Output output = Run(arguments);
        Assert.Contains(message, output.Error);
        Assert.Equal(2, output.ExitCode);
    }
}

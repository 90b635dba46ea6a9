using System.Buffers.Binary;
using System.Text;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>The checksum within models and checkpoints: whatever bit is damaged, it is seen.</summary>
public sealed class ChecksumTests : IDisposable
{
    private const string Wrong = "is damaged: its checksum is wrong. Copy it again, or take an earlier one.";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Every_flipped_bit_of_a_model_is_seen()
    {
        SmallModel().Write(folder["model.safetensors"]);
        EveryFlippedBitIsSeen(folder["model.safetensors"], path => Model.Read(path));
    }

    [Fact]
    public void Every_flipped_bit_of_a_checkpoint_is_seen()
    {
        SmallCheckpoint().Write(folder["state.safetensors"]);
        EveryFlippedBitIsSeen(folder["state.safetensors"], path => Checkpoint.Read(path));
    }

    private void EveryFlippedBitIsSeen(string path, Action<string> read)
    {
        byte[] whole = File.ReadAllBytes(path);
        read(path);
        int byChecksum = 0;
        for (int bit = 0; bit < 8 * whole.Length; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            ModelFileException e = Assert.Throws<ModelFileException>(() => SafetensorsFile.Parse(flipped, $"bit {bit}"));
            if (e.Message.EndsWith(Wrong, StringComparison.Ordinal)) byChecksum++;
        }
        // Of the values' bits nothing else can tell.
        Assert.InRange(byChecksum, 8 * (whole.Length - 8 - BinaryPrimitives.ReadInt32LittleEndian(whole)), 8 * whole.Length);
        File.WriteAllBytes(folder["last"], [.. whole[..^1], (byte)(whole[^1] ^ 1)]);
        Assert.Equal($"{folder["last"]} {Wrong}", Assert.Throws<ModelFileException>(() => read(folder["last"])).Message);
    }

    [Fact]
    public void What_was_read_is_written_again_to_the_byte_and_its_checksum_is_no_metadata()
    {
        byte[] whole = Written(SmallModel().Write);
        SafetensorsFile read = SafetensorsFile.Parse(whole, "x");
        Assert.True(read.HadChecksum);
        Assert.DoesNotContain("gpuconv.sha256", read.Metadata.Keys);
        Assert.Equal(whole, read.ToBytes());
        Assert.True(Checkpoint.Read(Path(SmallCheckpoint().Write)).HadChecksum);
    }

    [Fact]
    public void Files_without_a_checksum_are_read_as_before()
    {
        Assert.False(SafetensorsFile.Parse(WithoutChecksum(Written(SmallModel().Write)), "x").HadChecksum);
        string path = folder.Write("model.safetensors", WithoutChecksum(Written(SmallModel().Write)));
        Assert.Equal(SmallModel().Weights.Arrays[0].Values, Model.Read(path).Weights.Arrays[0].Values);
        path = folder.Write("state.safetensors", WithoutChecksum(Written(SmallCheckpoint().Write)));
        Assert.False(Checkpoint.Read(path).HadChecksum);
    }

    [Theory]
    [InlineData("\"gpuconv.sha256\":\"", "\"gpuconv.sha256\": \"")]
    [InlineData("\"data\":\"\"", "\"data\":\"other\"")]
    public void Another_program_that_takes_the_metadata_over_is_told_what_to_leave_out(string from, string to)
    {
        byte[] whole = Written(SmallModel().Write), header = Encoding.UTF8.GetBytes(Header(whole).Replace(from, to, StringComparison.Ordinal));
        ModelFileException e = Assert.Throws<ModelFileException>(() => SafetensorsFile.Parse(WithHeader(whole, header), "x"));
        Assert.Equal($"x {Wrong}", e.Message);
        Assert.Contains("leave 'gpuconv.sha256' out", e.Hint);
    }

    /// <summary>A file as it was written before there were checksums.</summary>
    internal static byte[] WithoutChecksum(byte[] whole)
    {
        string header = Header(whole);
        int at = header.IndexOf("\"gpuconv.sha256\":", StringComparison.Ordinal), end = at + "\"gpuconv.sha256\":\"\"".Length + 64;
        string without = header[end] == ',' ? header.Remove(at, end + 1 - at) : header.Remove(at, end - at).Replace(",}", "}", StringComparison.Ordinal);
        return WithHeader(whole, Encoding.UTF8.GetBytes(without));
    }

    private static string Header(byte[] whole) => Encoding.UTF8.GetString(whole, 8, BinaryPrimitives.ReadInt32LittleEndian(whole));

    private static byte[] WithHeader(byte[] whole, byte[] header)
    {
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, .. whole[(8 + BinaryPrimitives.ReadInt32LittleEndian(whole))..]];
    }

    private string Path(Action<string> write)
    {
        write(folder["written"]);
        return folder["written"];
    }

    private byte[] Written(Action<string> write) => File.ReadAllBytes(Path(write));

    private static Model SmallModel()
    {
        Network network = NetworkText.Parse("input 1x2x2; flatten; linear 2; logsoftmax");
        return new Model(network, Weights.Initial(network, 1), 0.5f, 0.25f, "") { ClassNames = ["a", "b"] };
    }

    private static Checkpoint SmallCheckpoint()
    {
        Weights weights = SmallModel().Weights;
        return new Checkpoint(new TrainingState { Epoch = 1, StepInEpoch = 1, Step = 3, Weights = weights, BestWeights = weights, Optimizer = [new NamedArray("momentum", [2], [1, 2])], EpochSums = [1, 2], EpochSeconds = 1, History = [], BestEpoch = 1, TrainingSeconds = 2 }, "mine");
    }
}

using System.Buffers.Binary;
using System.Text;
using GpuConv.Net;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public sealed class EventFileTests(MnistPart part) : IClassFixture<MnistPart>, IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_file_has_the_bytes_that_the_format_demands()
    {
        string path = folder["events"];
        EventFile.Create(path, DateTimeOffset.FromUnixTimeMilliseconds(1_500));
        EventFile.Append(path, [new ScalarEvent(2, 3, ("a", 0), ("b", -1.5f))]);
        // Field by field: 1 wall time (double), 3 version (string).
        byte[] first = [0x09, .. BitConverter.GetBytes(1.5), 0x1a, 13, .. "brain.Event:2"u8];
        // 1 wall time, 2 step (varint), 5 summary: 1 value, each 1 tag, 2 number (float, written though it is zero).
        byte[] second = [0x09, .. BitConverter.GetBytes(2.0), 0x10, 3, 0x2a, 20, 0x0a, 8, 0x0a, 1, (byte)'a', 0x15, 0, 0, 0, 0, 0x0a, 8, 0x0a, 1, (byte)'b', 0x15, .. BitConverter.GetBytes(-1.5f)];
        Assert.Equal([.. Framed(first), .. Framed(second)], File.ReadAllBytes(path));
        Assert.Matches("^events\\.out\\.tfevents\\.[0-9]{10}\\.", EventFile.NameFor(DateTimeOffset.UnixEpoch));

        static byte[] Framed(byte[] data)
        {
            byte[] length = BitConverter.GetBytes((long)data.Length);
            return [.. length, .. BitConverter.GetBytes(EventReader.MaskedCrc(length)), .. data, .. BitConverter.GetBytes(EventReader.MaskedCrc(data))];
        }
    }

    // RFC 3720, appendix B.4: 32 bytes of zeros, of ones, rising, falling; and the check value that catalogues of checksums give.
    [Fact]
    public void The_readers_checksum_is_that_of_the_standard()
    {
        Assert.Equal(0x8a9136aau, EventReader.Crc(new byte[32]));
        Assert.Equal(0x62a8ab43u, EventReader.Crc([.. Enumerable.Repeat((byte)0xff, 32)]));
        Assert.Equal(0x46dd794eu, EventReader.Crc([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
        Assert.Equal(0xe3069283u, EventReader.Crc("123456789"u8));
    }

    [Fact]
    public void Events_of_later_steps_and_half_a_record_are_forgotten()
    {
        string path = folder["events"];
        EventFile.Create(path, DateTimeOffset.UnixEpoch);
        EventFile.Append(path, Enumerable.Range(1, 5).Select(i => new ScalarEvent(0, i, ("x", i))));
        byte[] whole = File.ReadAllBytes(path);
        File.WriteAllBytes(path, whole[..^3]);
        Assert.False(EventFile.Keep(path, 5));
        Assert.True(EventFile.Keep(path, 3));
        Assert.Equal([1, 2, 3], EventReader.Read(path).Select(e => (int)e.Step));
        Assert.Equal(whole[..(int)new FileInfo(path).Length], File.ReadAllBytes(path));
        Assert.True(EventFile.Keep(path, 0));
        Assert.Empty(EventReader.Read(path));
    }

    [Fact]
    public void A_run_logs_its_steps_and_epochs_and_a_resumed_one_none_twice()
    {
        string[] options = ["train", "--network", "conv 4 5x5 stride 2; relu; flatten; linear 10; logsoftmax", "--data", part.Path, "--device", "cpu", "--limit", "320", "--validation", "200", "--steps", "--quiet"];
        string run = folder["run"];
        Output trained = Run([.. options, "--tensorboard", "--epochs", "2", "--out", run]);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Check(2);
        Output resumed = Run("train", "--resume", run, "--epochs", "3", "--quiet");
        Assert.True(resumed.ExitCode == 0, resumed.Error);
        Check(3);

        Output again = Run([.. options, "--epochs", "1", "--overwrite", "--out", run]);
        Assert.True(again.ExitCode == 0, again.Error);
        Assert.False(Directory.Exists(Path.Combine(run, "tensorboard")), "A new run in the folder leaves nothing of the old one.");

        void Check(int epochs)
        {
            string[][] steps = [.. File.ReadLines(Path.Combine(run, "steps.csv")).Skip(1).Select(l => l.Split(','))];
            string[][] history = [.. File.ReadLines(Path.Combine(run, "history.csv")).Skip(1).Select(l => l.Split(','))];
            EventReader.Scalars[] train = EventReader.Read(Assert.Single(Directory.GetFiles(Path.Combine(run, "tensorboard", "train"), "events.out.tfevents.*")));
            EventReader.Scalars[] validation = EventReader.Read(Assert.Single(Directory.GetFiles(Path.Combine(run, "tensorboard", "validation"), "events.out.tfevents.*")));
            Assert.Equal(5 * epochs, steps.Length);
            EventReader.Scalars[] ofSteps = [.. train.Where(e => e.Values.ContainsKey("loss"))], ofEpochs = [.. train.Where(e => e.Values.ContainsKey("epoch/loss"))];
            Assert.Equal(train.Length, ofSteps.Length + ofEpochs.Length);
            Assert.Equal(steps.Select(s => $"{s[0]} {s[2]}"), ofSteps.Select(e => $"{e.Step} {e.Values["loss"]:r}"));
            Assert.All(ofSteps, e => Assert.Equal(0.001f, e.Values["learning_rate"]));
            Assert.All(ofSteps, e => Assert.InRange(e.Values["accuracy"], 0, 1));
            Assert.Equal(history.Select(h => $"{h[0]} {float.Parse(h[1])} {float.Parse(h[2])}"), ofEpochs.Select(e => $"{e.Step} {e.Values["epoch/loss"]} {e.Values["epoch/accuracy"]}"));
            Assert.Equal(history.Select(h => $"{h[0]} {float.Parse(h[3])} {float.Parse(h[4])}"), validation.Select(e => $"{e.Step} {e.Values["epoch/loss"]} {e.Values["epoch/accuracy"]}"));
            double now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
            Assert.All(train, e => Assert.InRange(e.WallTime, now - 600, now + 1));
            Assert.Equal(train.Select(e => e.WallTime).Order(), train.Select(e => e.WallTime));
        }
    }

    /// <summary>A reader of event files, written from the format's description and in the plainest way: bit by bit for the checksum, field by field for messages.</summary>
    private static class EventReader
    {
        public sealed record Scalars(double WallTime, long Step, Dictionary<string, float> Values);

        public static uint Crc(ReadOnlySpan<byte> bytes)
        {
            uint crc = 0xffffffff;
            foreach (byte b in bytes)
            {
                crc ^= b;
                for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
            }
            return crc ^ 0xffffffff;
        }

        public static uint MaskedCrc(ReadOnlySpan<byte> bytes)
        {
            uint crc = Crc(bytes);
            return unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8u);
        }

        public static Scalars[] Read(string path)
        {
            byte[] file = File.ReadAllBytes(path);
            var events = new List<Scalars>();
            bool isFirst = true;
            for (int at = 0; at < file.Length;)
            {
                Span<byte> length = file.AsSpan(at, 8);
                Assert.Equal(MaskedCrc(length), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
                Span<byte> data = file.AsSpan(at + 12, (int)BinaryPrimitives.ReadInt64LittleEndian(length));
                Assert.Equal(MaskedCrc(data), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + data.Length)));
                at += 16 + data.Length;
                var scalars = new Scalars(0, 0, []);
                foreach ((int field, byte[] value) in Fields(data.ToArray()))
                {
                    switch (field)
                    {
                        case 1: scalars = scalars with { WallTime = BitConverter.ToDouble(value) }; break;
                        case 2: scalars = scalars with { Step = BitConverter.ToInt64(value) }; break;
                        case 3: Assert.True(isFirst && Encoding.UTF8.GetString(value) == "brain.Event:2"); break;
                        case 5:
                            foreach ((int one, byte[] entry) in Fields(value))
                            {
                                Assert.Equal(1, one);
                                var parts = Fields(entry).ToDictionary(p => p.Field, p => p.Value);
                                Assert.Equal([1, 2], parts.Keys.Order());
                                scalars.Values.Add(Encoding.UTF8.GetString(parts[1]), BitConverter.ToSingle(parts[2]));
                            }
                            break;
                        default: Assert.Fail($"There is no field {field}."); break;
                    }
                }
                if (!isFirst) events.Add(scalars);
                isFirst = false;
            }
            return [.. events];
        }

        private static IEnumerable<(int Field, byte[] Value)> Fields(byte[] message)
        {
            for (int at = 0; at < message.Length;)
            {
                ulong key = Varint();
                int size = (key & 7) switch { 0 => 0, 1 => 8, 5 => 4, 2 => (int)Varint(), _ => throw new InvalidDataException($"Wire type {key & 7}.") };
                byte[] value = (key & 7) == 0 ? BitConverter.GetBytes(Varint()) : message[at..(at + size)];
                at += size;
                yield return ((int)(key >> 3), value);

                ulong Varint()
                {
                    ulong result = 0;
                    for (int shift = 0; ; shift += 7)
                    {
                        byte b = message[at++];
                        result |= (ulong)(b & 127) << shift;
                        if (b < 128) return result;
                    }
                }
            }
        }
    }
}

using System.Buffers.Binary;
using System.Text;
using GpuConv.Studies;
using SkiaSharp;

namespace GpuConv.Tests;

public class AnimatedPngTests
{
    private static readonly byte[][] Frames = [.. Enumerable.Range(0, 4).Select(i => Frame(40, 30, i))];

    private static byte[] Frame(float width, float height, int number)
    {
        using var picture = new Picture(width, height);
        // Noise, so that the image data of a frame are long.
        var random = new Random(number);
        picture.Image(new Raster(20, 20, [.. Enumerable.Range(0, 400).Select(_ => new SKColor((byte)random.Next(256), (byte)random.Next(256), 7))]), SKRect.Create(5, 5, 20, 20));
        return picture.ToPng();
    }

    [Fact]
    public void A_file_has_the_chunks_of_the_standard_in_their_order_with_running_numbers_and_right_checksums()
    {
        byte[] file = AnimatedPng.Encode([.. Frames.Select((f, i) => (f, 100 + i))]);
        (string Type, byte[] Data)[] chunks = [.. Chunks(file)];
        Assert.Equal(["IHDR", "acTL"], chunks.Take(2).Select(c => c.Type));
        Assert.Equal(("IEND", 0), (chunks[^1].Type, chunks[^1].Data.Length));
        Assert.Equal([0, 0, 0, 4, 0, 0, 0, 0], chunks[1].Data);
        (string Type, byte[] Data)[] animated = [.. chunks.Where(c => c.Type is "fcTL" or "fdAT")];
        Assert.Equal(Enumerable.Range(0, animated.Length), animated.Select(c => BinaryPrimitives.ReadInt32BigEndian(c.Data)));
        byte[][] controls = [.. chunks.Where(c => c.Type == "fcTL").Select(c => c.Data)];
        Assert.Equal(4, controls.Length);
        for (int i = 0; i < controls.Length; i++)
        {
            // Number; width and height; at 0, 0; milliseconds of a thousand; the frame stays, and replaces what was there.
            Assert.Equal(26, controls[i].Length);
            Assert.Equal((80, 60, 0, 0), (Int(controls[i], 4), Int(controls[i], 8), Int(controls[i], 12), Int(controls[i], 16)));
            Assert.Equal([0, (byte)(100 + i), 1000 >> 8, 1000 & 255, 0, 0], controls[i][20..]);
        }
        // Controls come right before their frame's data: the first frame's are the image's own.
        string order = string.Join(' ', chunks.Skip(2).Select(c => c.Type).Where((t, i) => i == 0 || t != chunks[i + 1].Type));
        Assert.Equal("fcTL IDAT fcTL fdAT fcTL fdAT fcTL fdAT IEND", order);
    }

    [Fact]
    public void Every_frame_decodes_to_its_picture_and_the_whole_to_the_first()
    {
        byte[] file = AnimatedPng.Encode([.. Frames.Select(f => (f, 50))]);
        Assert.Equal(Pixels(Frames[0]), Pixels(file));
        (string Type, byte[] Data)[] chunks = [.. Chunks(file)];
        int frame = -1;
        var data = new List<byte>[Frames.Length];
        foreach ((string type, byte[] content) in chunks)
        {
            if (type == "fcTL") data[++frame] = [];
            if (type == "IDAT") data[frame].AddRange(content);
            if (type == "fdAT") data[frame].AddRange(content[4..]);
        }
        for (int i = 0; i < Frames.Length; i++)
        {
            byte[] alone = [.. file[..8], .. Chunk("IHDR", chunks[0].Data), .. Chunk("IDAT", [.. data[i]]), .. Chunk("IEND", [])];
            Assert.Equal(Pixels(Frames[i]), Pixels(alone));
        }
        Assert.NotEqual(Pixels(Frames[0]), Pixels(Frames[1]));
    }

    [Fact]
    public void Frames_of_another_size_and_no_frames_are_refused()
    {
        Assert.Throws<ArgumentException>(() => AnimatedPng.Encode([]));
        Assert.Throws<ArgumentException>(() => AnimatedPng.Encode([(Frames[0], 1), (Frame(40, 31, 1), 1)]));
    }

    private static int Int(byte[] data, int at) => BinaryPrimitives.ReadInt32BigEndian(data.AsSpan(at));

    private static SKColor[] Pixels(byte[] png)
    {
        using var bitmap = SKBitmap.Decode(png);
        return bitmap.Pixels;
    }

    private static IEnumerable<(string Type, byte[] Data)> Chunks(byte[] file)
    {
        Assert.Equal([137, 80, 78, 71, 13, 10, 26, 10], file[..8]);
        int at = 8;
        while (at < file.Length)
        {
            int length = Int(file, at);
            byte[] whole = file[at..(at + 12 + length)];
            string type = Encoding.ASCII.GetString(whole, 4, 4);
            Assert.Equal(Chunk(type, whole[8..^4]), whole);
            yield return (type, whole[8..^4]);
            at += 12 + length;
        }
        Assert.Equal(file.Length, at);
    }

    private static byte[] Chunk(string type, byte[] data)
    {
        byte[] named = [.. Encoding.ASCII.GetBytes(type), .. data], length = new byte[4], crc = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(length, data.Length);
        BinaryPrimitives.WriteUInt32BigEndian(crc, Crc(named));
        return [.. length, .. named, .. crc];
    }

    // Bit by bit: the remainder of the division by CRC-32's polynomial.
    private static uint Crc(byte[] data)
    {
        uint remainder = uint.MaxValue;
        foreach (byte value in data)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                bool carry = ((remainder ^ (uint)(value >> bit)) & 1) != 0;
                remainder >>= 1;
                if (carry) remainder ^= 0xedb88320;
            }
        }
        return ~remainder;
    }
}

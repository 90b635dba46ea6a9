using System.Buffers.Binary;
using System.Text;

namespace GpuConv.Studies;

/// <summary>
/// Pictures one after the other as one animated PNG (W3C, Portable Network Graphics, third edition, sections 11.3.4 to 11.3.6), which browsers play; a program that knows nothing of
/// animation shows the first. A frame's image data are those of its own PNG file.
/// </summary>
internal static class AnimatedPng
{
    private static readonly byte[] Signature = [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1a, (byte)'\n'];

    private static readonly uint[] CrcTable = [.. Enumerable.Range(0, 256).Select(CrcOf)];

    /// <summary>The bytes of the file, which repeats without end.</summary>
    /// <param name="frames">PNG files of one size and kind, and how long each is shown, in milliseconds.</param>
    /// <exception cref="ArgumentException">There are none, or they differ in size or kind.</exception>
    public static byte[] Encode(IReadOnlyList<(byte[] Png, int Milliseconds)> frames)
    {
        if (frames.Count == 0) throw new ArgumentException("An animation has at least one frame.", nameof(frames));
        using var stream = new MemoryStream();
        stream.Write(Signature);
        byte[] header = Chunks(frames[0].Png).First(c => c.Type == "IHDR").Data;
        Write(stream, "IHDR", header);
        Write(stream, "acTL", [.. Number(frames.Count), .. Number(0)]);
        int sequence = 0;
        for (int f = 0; f < frames.Count; f++)
        {
            (string Type, byte[] Data)[] chunks = [.. Chunks(frames[f].Png)];
            if (!chunks.First(c => c.Type == "IHDR").Data.SequenceEqual(header)) throw new ArgumentException($"Frame {f} has another size or kind than the first.", nameof(frames));
            // Width and height as in the header, at the upper left corner; over the frame before, in its place.
            Write(stream, "fcTL", [.. Number(sequence++), .. header[..8], .. Number(0), .. Number(0), .. Short(frames[f].Milliseconds), .. Short(1000), 0, 0]);
            foreach ((string type, byte[] data) in chunks)
            {
                if (type != "IDAT") continue;
                if (f == 0) Write(stream, type, data);
                else Write(stream, "fdAT", [.. Number(sequence++), .. data]);
            }
        }
        Write(stream, "IEND", []);
        return stream.ToArray();
    }

    /// <summary>The chunks of a PNG file.</summary>
    internal static IEnumerable<(string Type, byte[] Data)> Chunks(byte[] png)
    {
        for (int at = Signature.Length; at < png.Length;)
        {
            int length = BinaryPrimitives.ReadInt32BigEndian(png.AsSpan(at));
            yield return (Encoding.ASCII.GetString(png, at + 4, 4), png[(at + 8)..(at + 8 + length)]);
            at += length + 12;
        }
    }

    private static void Write(Stream stream, string type, byte[] data)
    {
        byte[] named = [.. Encoding.ASCII.GetBytes(type), .. data];
        stream.Write(Number(data.Length));
        stream.Write(named);
        uint crc = uint.MaxValue;
        foreach (byte value in named) crc = CrcTable[(byte)(crc ^ value)] ^ (crc >> 8);
        stream.Write(Number((int)~crc));
    }

    // CRC-32 of ISO 3309, as PNG takes it (annex D).
    private static uint CrcOf(int value)
    {
        uint crc = (uint)value;
        for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? 0xedb88320 ^ (crc >> 1) : crc >> 1;
        return crc;
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Short(int value) => [(byte)(value >> 8), (byte)value];
}

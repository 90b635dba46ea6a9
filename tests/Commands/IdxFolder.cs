using System.Buffers.Binary;
using GpuConv.Net;

namespace GpuConv.Tests;

/// <summary>Writes a data set as the four IDX files that --data reads.</summary>
internal static class IdxFolder
{
    public static void Write(string folder, DataSet data)
    {
        Directory.CreateDirectory(folder);
        WriteSplit(folder, "train", data.Train);
        WriteSplit(folder, "t10k", data.Test);
    }

    private static void WriteSplit(string folder, string name, LabelledImages images)
    {
        File.WriteAllBytes(Path.Combine(folder, $"{name}-images-idx3-ubyte"), [.. Header(0x803, images.Count, images.Height, images.Width), .. images.Pixels]);
        File.WriteAllBytes(Path.Combine(folder, $"{name}-labels-idx1-ubyte"), [.. Header(0x801, images.Count), .. images.Labels.Select(l => (byte)l)]);
    }

    private static byte[] Header(params int[] values)
    {
        var bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++) BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4 * i), values[i]);
        return bytes;
    }
}

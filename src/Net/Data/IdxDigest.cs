using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace GpuConv.Net;

/// <summary>SHA-256 of images and labels as the IDX files that would hold them, in lower-case hexadecimal: MNIST is known by it whatever it came in.</summary>
internal static class IdxDigest
{
    /// <summary>Of images in grey.</summary>
    public static string OfImages(LabelledImages images) => Of([0x0803, images.Count, images.Height, images.Width], images.Pixels);

    /// <summary>Of labels: bytes, or 32-bit integers where one needs them.</summary>
    public static string OfLabels(int[] labels)
    {
        if (labels.Max() <= byte.MaxValue) return Of([0x0801, labels.Length], Array.ConvertAll(labels, l => (byte)l));
        return Of([0x0c01, labels.Length], BigEndian(labels));
    }

    private static string Of(int[] header, byte[] elements)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(BigEndian(header));
        hash.AppendData(elements);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static byte[] BigEndian(int[] values)
    {
        int[] turned = [.. values];
        if (BitConverter.IsLittleEndian) BinaryPrimitives.ReverseEndianness(values, turned);
        return MemoryMarshal.AsBytes(turned.AsSpan()).ToArray();
    }
}

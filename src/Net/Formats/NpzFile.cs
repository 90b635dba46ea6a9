using System.IO.Compression;
using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Named arrays as NumPy's load reads them from one file: a zip archive of <see cref="NpyFile"/>s, uncompressed. The same arrays are the same bytes.</summary>
public static class NpzFile
{
    // Archives keep the time of each file: the earliest that they can hold, so that none depends on the clock.
    private static readonly DateTimeOffset NoTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Writes arrays of float32, by way of a temporary file.</summary>
    /// <param name="path">The file; its folder must exist.</param>
    /// <param name="arrays">Names, shapes and elements, the last index fastest.</param>
    /// <exception cref="ArgumentException">An array has not as many elements as its shape.</exception>
    public static void Write(string path, IEnumerable<(string Name, Shape Shape, float[] Values)> arrays) => AtomicFile.WriteAllBytes(path, Encode(arrays));

    /// <summary>The bytes of such a file.</summary>
    /// <param name="arrays">Names, shapes and elements, the last index fastest.</param>
    /// <exception cref="ArgumentException">An array has not as many elements as its shape.</exception>
    public static byte[] Encode(IEnumerable<(string Name, Shape Shape, float[] Values)> arrays)
    {
        ArgumentNullException.ThrowIfNull(arrays);
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach ((string name, Shape shape, float[] values) in arrays)
            {
                ZipArchiveEntry entry = archive.CreateEntry($"{name}.npy", CompressionLevel.NoCompression);
                entry.LastWriteTime = NoTime;
                using Stream content = entry.Open();
                content.Write(NpyFile.Encode(shape, values));
            }
        }
        return bytes.ToArray();
    }
}

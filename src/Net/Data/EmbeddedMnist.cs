using System.Reflection;

namespace GpuConv.Net;

/// <summary>MNIST, which is part of the library.</summary>
internal static class EmbeddedMnist
{
    /// <summary>The files, training images first; each with the SHA-256 of what it holds.</summary>
    private static readonly (string File, string Sha256)[] Files =
    [
        ("train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        ("t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ];

    /// <summary>The data set.</summary>
    /// <param name="transpose">Whether rows and columns are exchanged, which makes it another.</param>
    public static DataSet Load(bool transpose)
    {
        // The training images are most of the bytes: they are decompressed while another thread reads the rest.
        Task<LabelledImages> test = Task.Run(ReadTest);
        LabelledImages train = Read(0, 1);
        DataSet mnist = new DataParts(DataSet.Mnist, train, "MNIST's training images", test.GetAwaiter().GetResult(), "MNIST's test images").Assemble(transpose);
        return transpose || mnist.Name == DataSet.Mnist ? mnist : throw new DataException("The embedded files of MNIST are damaged: their SHA-256 is not that of MNIST's. Install the program again.");
    }

    /// <summary>The 10,000 test images alone.</summary>
    public static LabelledImages ReadTest() => Read(2, 3);

    /// <summary>Whether these are MNIST's four files, by their digests.</summary>
    public static bool Is(string[] sha256) => sha256.SequenceEqual(Files.Select(f => f.Sha256));

    private static LabelledImages Read(int images, int labels)
    {
        Idx read = Idx.ReadImages(Open(images), $"The embedded {Files[images].File}");
        return new LabelledImages(read.Bytes, Idx.ReadLabels(Open(labels), $"The embedded {Files[labels].File}"), 1, read.Dimensions[1], read.Dimensions[2]);
    }

    private static Stream Open(int file)
    {
        string name = "GpuConv.Net.Data.mnist." + Files[file].File;
        return Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new DataException($"The embedded {name} is missing: the program was built without it. Build it again from a complete checkout.");
    }
}

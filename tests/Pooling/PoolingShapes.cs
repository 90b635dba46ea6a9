using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Shapes for the tests of pooling: the ones with a name first, then random ones.</summary>
public static class PoolingShapes
{
    public const int Count = 64;

    public static (Pool2DShape Shape, int Batch) Get(int seed) => seed < Named.Length ? Named[seed] : Draw(new Random(seed));

    private static readonly (Pool2DShape Shape, int Batch)[] Named =
    [
        (Window(2, 28, 28, 2, 2), 2),                                  // the network's first pooling
        (Window(3, 14, 14, 2, 2), 3),                                  // its second: rows shorter than a vector
        (Window(2, 5, 7, 2, 2), 2),                                    // a row and a column left over
        (Window(5, 2, 2, 2, 2), 1),                                    // one output
        (Window(1, 6, 67, 2, 2), 1),                                   // wide, with a tail
        (Window(2, 8, 40, 2, 2) with { PadBottom = 1, PadRight = 1 }, 1),
        (Window(1, 1, 1, 1, 1), 1),
        (Window(2, 6, 9, 1, 1), 2),
        (Window(2, 6, 9, 1, 3), 2),                                    // stride over the window
        (Window(3, 4, 5, 4, 1) with { KernelWidth = 5 }, 2),           // as large as the image
        (Window(2, 15, 38, 3, 2) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 1), // ResNet's
        (Window(1, 9, 41, 3, 1) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 2),
        (Window(1, 7, 50, 3, 1) with { DilationHeight = 2, DilationWidth = 3 }, 1),
        (Window(1, 7, 50, 2, 2) with { DilationHeight = 3, DilationWidth = 2, PadLeft = 1 }, 2),
        (Window(2, 7, 39, 2, 2) with { CeilMode = true }, 1),
        (Window(2, 6, 6, 3, 4) with { CeilMode = true, PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 1),
        (Window(1, 2, 2, 2, 1) with { DilationHeight = 3, PadTop = 1, PadBottom = 1 }, 1), // a window of padding only
        (Window(1, 2, 40, 2, 1) with { DilationHeight = 3, PadTop = 1, PadBottom = 1 }, 1),
        (Window(1, 3, 4, 2, 1) with { PadTop = 3, PadLeft = 2, PadBottom = 2, PadRight = 4 }, 1), // padding over the window
        (Window(1, 20, 500, 5, 2) with { StrideWidth = 1, PadLeft = 2 }, 1),
    ];

    private static Pool2DShape Window(int channels, int height, int width, int kernel, int stride) => new()
    {
        Channels = channels,
        InHeight = height,
        InWidth = width,
        KernelHeight = kernel,
        KernelWidth = kernel,
        StrideHeight = stride,
        StrideWidth = stride,
    };

    private static (Pool2DShape Shape, int Batch) Draw(Random random)
    {
        while (true)
        {
            var shape = new Pool2DShape
            {
                Channels = random.Next(1, 5),
                InHeight = random.Next(1, 14),
                InWidth = random.Next(1, random.Next(2) == 0 ? 14 : 60),
                KernelHeight = random.Next(1, 5),
                KernelWidth = random.Next(1, 5),
                StrideHeight = random.Next(1, 5),
                StrideWidth = random.Next(1, 4),
                DilationHeight = random.Next(3) == 0 ? 2 : 1,
                DilationWidth = random.Next(3) == 0 ? random.Next(2, 4) : 1,
                PadTop = random.Next(3),
                PadLeft = random.Next(3),
                PadBottom = random.Next(3),
                PadRight = random.Next(3),
                CeilMode = random.Next(2) == 0,
            };
            try
            {
                shape.Validate();
                return (shape, random.Next(1, 4));
            }
            catch (ArgumentException)
            {
                // Drawn too large a window.
            }
        }
    }
}

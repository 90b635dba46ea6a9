using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>One convolution to test: its sizes and the number of images.</summary>
public readonly record struct Conv2DCase(Conv2DShape Shape, int Batch)
{
    public override string ToString()
    {
        Conv2DShape s = Shape;
        return $"batch {Batch}, {s.Input} to {s.Output}, kernel {s.KernelHeight}x{s.KernelWidth}, stride {s.StrideHeight}x{s.StrideWidth}, " +
            $"padding {s.PadTop},{s.PadLeft},{s.PadBottom},{s.PadRight}, dilation {s.DilationHeight}x{s.DilationWidth}, groups {s.Groups}";
    }
}

/// <summary>The convolutions that tests go through: those that break kernels most easily, and drawn ones.</summary>
public static class Conv2DCases
{
    private const int Drawn = 22;

    /// <summary>All cases for a device: at least 40, with larger ones where the device is fast enough for them.</summary>
    public static IEnumerable<Conv2DCase> For(Device device)
    {
        IEnumerable<Conv2DCase> small = Nasty().Concat(Enumerable.Range(0, Drawn).Select(Draw));
        return TestDevices.IsSlow(device) ? small : small.Concat(Larger());
    }

    /// <summary>The chosen cases.</summary>
    public static IEnumerable<Conv2DCase> Nasty()
    {
        yield return new(Make(1, 1, 1, 1, 1, 1), 1);
        yield return new(Make(3, 5, 7, 4, 1, 1), 2);                                                                    // 1x1
        yield return new(Make(5, 4, 6, 3, 4, 6), 2);                                                                    // as large as the image
        yield return new(Make(2, 9, 5, 3, 1, 3) with { PadLeft = 1, PadRight = 1 }, 1);                                 // a row
        yield return new(Make(2, 5, 9, 3, 3, 1) with { PadTop = 1, PadBottom = 1 }, 2);                                 // a column
        yield return new(Make(2, 9, 11, 3, 2, 1) with { StrideHeight = 3, StrideWidth = 2 }, 2);                        // stride over kernel: pixels nobody reads
        yield return new(Make(1, 7, 8, 2, 3, 2) with { StrideHeight = 2, StrideWidth = 3 }, 3);                         // strides that do not divide
        yield return new(Make(3, 6, 5, 2, 3, 3) with { PadTop = 2, PadLeft = 0, PadBottom = 1, PadRight = 3 }, 2);      // four paddings
        yield return new(Make(1, 2, 3, 2, 2, 2) with { PadTop = 4, PadLeft = 3, PadBottom = 2, PadRight = 4 }, 2);      // padding over kernel: outputs that read only zeros
        yield return new(Make(2, 9, 8, 2, 3, 2) with { DilationHeight = 2, DilationWidth = 3 }, 2);
        yield return new(Make(2, 10, 9, 3, 3, 3) with { DilationHeight = 3, DilationWidth = 2, StrideHeight = 2, StrideWidth = 3, PadTop = 2, PadRight = 3 }, 2);
        yield return new(Make(6, 5, 4, 4, 3, 2) with { Groups = 2, PadTop = 1 }, 2);
        yield return new(Make(5, 6, 7, 5, 3, 3) with { Groups = 5, PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 2); // depthwise
        yield return new(Make(3, 7, 6, 6, 3, 3) with { Groups = 3, StrideHeight = 2, StrideWidth = 2 }, 1);             // depthwise, two outputs a channel
        yield return new(Make(1, 14, 13, 2, 5, 5) with { PadTop = 2, PadLeft = 2, PadBottom = 2, PadRight = 2 }, 4);    // many pixels: sums over the batch in parts
        yield return new(Make(2, 3, 3, 67, 2, 2), 1);                                                                   // more outputs than a tile
        yield return new(Make(35, 3, 2, 2, 2, 2) with { PadTop = 1 }, 1);                                               // more inputs than a tile
        yield return new(Make(3, 4, 4, 33, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 3);
        yield return new(Make(17, 5, 5, 16, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 1);
        yield return new(Make(12, 5, 6, 14, 2, 3) with { Groups = 2, StrideHeight = 2, StrideWidth = 2, PadTop = 1, PadLeft = 2 }, 3); // groups of more than a few channels
        yield return new(Make(6, 11, 9, 8, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 5);    // as above, in tiles
        yield return new(Make(2, 1, 9, 3, 1, 4) with { StrideWidth = 2 }, 5);                                           // height 1
    }

    /// <summary>Cases that fill a fast device's blocks several times over.</summary>
    public static IEnumerable<Conv2DCase> Larger()
    {
        yield return new(Make(1, 28, 28, 32, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 3);
        yield return new(Make(32, 14, 14, 32, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 5);
        // For Winograd on the CPU: channels in sixteens, odd sizes, every padding, single outputs, several small images in an item, more channels than a chunk.
        yield return new(Make(16, 7, 9, 32, 3, 3) with { PadTop = 2, PadLeft = 0, PadBottom = 1, PadRight = 2 }, 3);
        yield return new(Make(48, 9, 7, 16, 3, 3) with { PadTop = 0, PadLeft = 2, PadBottom = 0, PadRight = 1 }, 4);
        yield return new(Make(16, 3, 3, 48, 3, 3), 2);
        yield return new(Make(16, 3, 5, 16, 3, 3) with { PadTop = 1, PadBottom = 1, PadLeft = 1, PadRight = 1 }, 19);
        yield return new(Make(256, 4, 5, 32, 3, 3) with { PadTop = 1, PadBottom = 1, PadLeft = 1, PadRight = 1 }, 17);
        yield return new(Make(32, 5, 4, 256, 3, 3) with { PadTop = 1, PadBottom = 1, PadLeft = 1, PadRight = 1 }, 3);
        yield return new(Make(400, 3, 4, 16, 3, 3) with { PadTop = 1, PadRight = 1 }, 2);
        yield return new(Make(16, 66, 70, 16, 3, 3) with { PadTop = 1, PadBottom = 1, PadLeft = 1, PadRight = 1 }, 2);
        yield return new(Make(31, 13, 17, 37, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 3);
        yield return new(Make(1, 28, 28, 6, 5, 5) with { PadTop = 2, PadLeft = 2, PadBottom = 2, PadRight = 2 }, 5);
        yield return new(Make(6, 14, 14, 16, 5, 5), 5);
        yield return new(Make(3, 33, 31, 24, 7, 7) with { StrideHeight = 2, StrideWidth = 2, PadTop = 3, PadLeft = 3, PadBottom = 3, PadRight = 3 }, 2);
        yield return new(Make(64, 9, 11, 48, 1, 1), 4);
        yield return new(Make(40, 16, 16, 40, 3, 3) with { Groups = 40, PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1 }, 3);
        yield return new(Make(128, 5, 5, 65, 3, 3) with { PadTop = 1, PadLeft = 1, PadBottom = 1, PadRight = 1, StrideHeight = 2, StrideWidth = 2 }, 2);
        yield return new(Make(48, 12, 10, 36, 3, 3) with { Groups = 3, DilationHeight = 2, DilationWidth = 2, PadTop = 2, PadLeft = 1 }, 2);
    }

    // Every parameter drawn on its own, so that combinations nobody thinks of come up.
    private static Conv2DCase Draw(int seed)
    {
        var random = new Random(1000 + seed);
        while (true)
        {
            int groups = random.Next(4) == 0 ? random.Next(2, 4) : 1;
            Conv2DShape shape = Make(groups * random.Next(1, 9), random.Next(1, 11), random.Next(1, 11), groups * random.Next(1, 9), random.Next(1, 5), random.Next(1, 5)) with
            {
                StrideHeight = random.Next(1, 4),
                StrideWidth = random.Next(1, 4),
                PadTop = random.Next(3),
                PadLeft = random.Next(3),
                PadBottom = random.Next(3),
                PadRight = random.Next(3),
                DilationHeight = random.Next(1, 3),
                DilationWidth = random.Next(1, 3),
                Groups = groups,
            };
            if (shape.DilationHeight * (shape.KernelHeight - 1) < shape.InHeight + shape.PadTop + shape.PadBottom &&
                shape.DilationWidth * (shape.KernelWidth - 1) < shape.InWidth + shape.PadLeft + shape.PadRight)
                return new Conv2DCase(shape, random.Next(1, 4));
        }
    }

    public static Conv2DShape Make(int inChannels, int height, int width, int outChannels, int kernelHeight, int kernelWidth) => new()
    {
        InChannels = inChannels,
        InHeight = height,
        InWidth = width,
        OutChannels = outChannels,
        KernelHeight = kernelHeight,
        KernelWidth = kernelWidth,
    };
}

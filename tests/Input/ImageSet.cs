using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>A random data set on a device, and a batch of it.</summary>
internal sealed class ImageSet : IDisposable
{
    public ImageSet(int seed, Device device)
    {
        var random = new Random(seed);
        (Count, Batch) = (random.Next(1, 30), seed == 0 ? 1 : random.Next(1, 20));
        (Channels, Height, Width) = seed switch { 0 => (1, 1, 1), 1 => (1, 28, 28), 2 => (3, 1, 9), 3 => (2, 9, 1), 4 => (3, 2, 2), 15 => (1, 28, 28), _ => (random.Next(1, 4), random.Next(1, 14), random.Next(1, 14)) };
        Start = random.Next(0, 10);
        Device = device;
        Arena = new DeviceArena(device);
        Bytes = new byte[Count * Pixels];
        random.NextBytes(Bytes);
        Classes = [.. Enumerable.Range(0, Count).Select(_ => random.Next(10))];
        Indices = [.. Enumerable.Range(0, Start + Batch + random.Next(3)).Select(_ => random.Next(Count))];
        Images = Arena.Allocate<byte>(new Shape(Count, Channels, Height, Width));
        Images.CopyFrom(Bytes);
        Labels = Arena.Allocate<int>(new Shape(Count));
        Labels.CopyFrom(Classes);
        Order = Arena.Allocate<int>(new Shape(Indices.Length));
        Order.CopyFrom(Indices);
    }

    public Device Device { get; }

    public DeviceArena Arena { get; }

    public int Count { get; }

    public int Batch { get; }

    public int Channels { get; }

    public int Height { get; }

    public int Width { get; }

    public int Start { get; }

    public int Pixels => Channels * Height * Width;

    public Shape BatchShape => new(Batch, Channels, Height, Width);

    public byte[] Bytes { get; }

    public int[] Classes { get; }

    public int[] Indices { get; }

    public Tensor<byte> Images { get; }

    public Tensor<int> Labels { get; }

    public Tensor<int> Order { get; }

    public void Dispose() => Arena.Dispose();
}

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Labelled images on a device, as bytes.</summary>
internal sealed class DeviceImages
{
    /// <summary>Copies a range of images to the device.</summary>
    public DeviceImages(DeviceArena arena, LabelledImages images, int start, int count)
    {
        int size = images.Channels * images.Height * images.Width;
        Count = count;
        Pixels = arena.Allocate<byte>(new Shape(count, images.Channels, images.Height, images.Width));
        Labels = arena.Allocate<int>(new Shape(count));
        Order = arena.Allocate<int>(new Shape(count));
        Pixels.CopyFrom(images.Pixels.AsSpan(start * size, count * size));
        Labels.CopyFrom(images.Labels.AsSpan(start, count));
        SetOrder([.. Enumerable.Range(0, count)]);
    }

    public int Count { get; }

    public Tensor<byte> Pixels { get; }

    public Tensor<int> Labels { get; }

    /// <summary>The order in which batches are taken; that of the file until it is set.</summary>
    public Tensor<int> Order { get; }

    public void SetOrder(int[] order) => Order.CopyFrom(order);
}

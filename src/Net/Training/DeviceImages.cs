using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Labelled images on a device, as bytes; on the CPU those of the data set itself.</summary>
internal sealed class DeviceImages
{
    private readonly HostBuffer<int> nextOrder;

    /// <summary>Puts a range of images on the device.</summary>
    public DeviceImages(DeviceArena arena, LabelledImages images, int start, int count)
    {
        int size = images.Channels * images.Height * images.Width;
        Count = count;
        Pixels = arena.Share(images.Pixels, start * size, images.ImageShape.Prepend(count));
        Labels = arena.Share(images.Labels, start, new Shape(count));
        Order = arena.Allocate<int>(new Shape(count));
        nextOrder = arena.AllocateHost<int>(count);
        SetOrder([.. Enumerable.Range(0, count)]);
    }

    public int Count { get; }

    public Tensor<byte> Pixels { get; }

    public Tensor<int> Labels { get; }

    /// <summary>The order in which batches are taken; that of the file until it is set.</summary>
    public Tensor<int> Order { get; }

    /// <summary>Sets the order for all batches gathered from now on, without waiting for the device.</summary>
    public void SetOrder(ReadOnlySpan<int> order)
    {
        order.CopyTo(nextOrder.Span);
        nextOrder.CopyTo(Order);
    }
}

using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// Memory of the host that a device copies to and from while the host goes on: page-locked where the driver offers it, so that no copy in between
/// is made. Owned by a <see cref="DeviceArena"/>.
/// </summary>
/// <typeparam name="T">The element type.</typeparam>
public sealed class HostBuffer<T> where T : unmanaged
{
    private readonly Device device;
    private readonly PageLockedArray1D<T> memory;
    private long waitsBefore = -1;

    internal HostBuffer(Device device, PageLockedArray1D<T> memory)
    {
        this.device = device;
        this.memory = memory;
    }

    /// <summary>The elements. Waits for the device if a copy may still be under way.</summary>
    public Span<T> Span
    {
        get
        {
            if (device.Waits == waitsBefore) device.Synchronize();
            return memory.Span;
        }
    }

    /// <summary>Copies the first elements to a tensor, in order with the device's other work, and does not wait.</summary>
    /// <param name="destination">A tensor of at most as many elements, overwritten.</param>
    /// <exception cref="ArgumentException">The tensor has more elements.</exception>
    public void CopyTo(Tensor<T> destination)
    {
        RequireRoom(destination);
        if (destination.Count == 0) return;
        destination.View.CopyFromCPUUnsafeAsync(device.Stream, ref memory[0], destination.Count);
        waitsBefore = device.Waits;
    }

    /// <summary>Copies a tensor to the first elements, in order with the device's other work, and does not wait.</summary>
    /// <param name="source">A tensor of at most as many elements.</param>
    /// <exception cref="ArgumentException">The tensor has more elements.</exception>
    public void CopyFrom(Tensor<T> source)
    {
        RequireRoom(source);
        if (source.Count == 0) return;
        source.View.CopyToCPUUnsafeAsync(device.Stream, ref memory[0], source.Count);
        waitsBefore = device.Waits;
    }

    private void RequireRoom(Tensor<T> tensor)
    {
        if (tensor.Count > memory.Length) throw new ArgumentException($"{tensor.Shape} has {tensor.Count} elements, the buffer has {memory.Length}.");
    }
}

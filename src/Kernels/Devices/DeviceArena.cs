using System.Runtime.InteropServices;
using ILGPU;
using ILGPU.Runtime;
using ILGPU.Runtime.CPU;

namespace GpuConv.Kernels;

/// <summary>
/// Owns device memory. Everything a plan needs is allocated from one arena before the first step and freed with it; nothing is
/// allocated while kernels run.
/// </summary>
/// <param name="device">The device whose memory is allocated.</param>
public sealed class DeviceArena(Device device) : IDisposable
{
    // A cache line and the widest vector, so that aligned rows stay aligned for SIMD.
    private const int Alignment = 64;

    private readonly List<MemoryBuffer> buffers = [];
    private readonly List<IDisposable> pageLocked = [];

    // Arrays of the host that tensors of the CPU view: they may neither move nor go.
    private readonly List<GCHandle> pins = [];

    /// <summary>The device whose memory is allocated.</summary>
    public Device Device { get; } = device;

    /// <summary>Bytes allocated from this arena.</summary>
    public long Bytes { get; private set; }

    /// <summary>Allocates a tensor, all zeros, aligned to 64 bytes.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="shape">Its shape.</param>
    /// <exception cref="DeviceException">The device has no room for it.</exception>
    public unsafe Tensor<T> Allocate<T>(Shape shape) where T : unmanaged
    {
        int padding = Alignment / sizeof(T);
        long length = (long)shape.Count + padding;
        try
        {
            MemoryBuffer1D<T, Stride1D.Dense> buffer = Device.Accelerator.Allocate1D<T>(length);
            buffers.Add(buffer);
            buffer.MemSetToZero(Device.Stream);
            long start = Device.IsHost ? (Alignment - (long)buffer.NativePtr % Alignment) % Alignment / sizeof(T) : 0;
            Bytes += length * sizeof(T);
            Device.CountAllocation(length * sizeof(T));
            return new Tensor<T>(Device, buffer.View.BaseView.SubView(start, shape.Count), shape);
        }
        catch (Exception e) when (e is OutOfMemoryException or AcceleratorException)
        {
            throw new DeviceException($"{Device.Name} has no room for {length * sizeof(T) / 1e6:f1} MB more ({Device.AllocatedBytes / 1e6:f1} MB in use). Try a smaller batch.", e);
        }
    }

    /// <summary>
    /// A tensor with values of the host, which must not change while the arena lives and which no kernel may write: on the CPU a view of the
    /// array itself, without alignment, on other devices a copy. A data set is not held twice this way.
    /// </summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="values">The values.</param>
    /// <param name="start">The first of them that belongs to the tensor.</param>
    /// <param name="shape">The tensor's shape.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are not as many values.</exception>
    /// <exception cref="DeviceException">The device has no room for a copy.</exception>
    public unsafe Tensor<T> Share<T>(T[] values, int start, Shape shape) where T : unmanaged
    {
        ReadOnlySpan<T> part = values.AsSpan(start, shape.Count);
        if (!Device.IsHost || part.IsEmpty)
        {
            Tensor<T> copy = Allocate<T>(shape);
            copy.CopyFrom(part);
            return copy;
        }
        var pin = GCHandle.Alloc(values, GCHandleType.Pinned);
        pins.Add(pin);
        var buffer = CPUMemoryBuffer.Create(Device.Accelerator, pin.AddrOfPinnedObject() + (nint)start * sizeof(T), shape.Count, sizeof(T));
        buffers.Add(buffer);
        return new Tensor<T>(Device, buffer.AsArrayView<T>(0, shape.Count), shape);
    }

    /// <summary>Allocates memory of the host, all zeros, for copies that the host does not wait for.</summary>
    /// <typeparam name="T">The element type.</typeparam>
    /// <param name="length">The number of elements.</param>
    public HostBuffer<T> AllocateHost<T>(int length) where T : unmanaged
    {
        PageLockedArray1D<T> memory = Device.Accelerator.AllocatePageLocked1D<T>(length, uninitialized: false);
        pageLocked.Add(memory);
        return new HostBuffer<T>(Device, memory);
    }

    /// <summary>Waits for the device and frees all memory of the arena.</summary>
    public void Dispose()
    {
        if (buffers.Count + pageLocked.Count == 0) return;
        Device.Synchronize();
        foreach (MemoryBuffer buffer in buffers) buffer.Dispose();
        buffers.Clear();
        foreach (IDisposable memory in pageLocked) memory.Dispose();
        pageLocked.Clear();
        foreach (GCHandle pin in pins) pin.Free();
        pins.Clear();
        Device.CountAllocation(-Bytes);
        Bytes = 0;
    }
}

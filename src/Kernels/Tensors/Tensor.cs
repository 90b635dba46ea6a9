using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>
/// A view of device memory with a shape, row-major and dense. It owns nothing: the memory belongs to a <see cref="DeviceArena"/>
/// and ends with it.
/// </summary>
/// <typeparam name="T">The element: float for values, int for labels and indices, byte for images as stored.</typeparam>
public readonly struct Tensor<T> where T : unmanaged
{
    internal Tensor(Device device, ArrayView<T> view, Shape shape)
    {
        Device = device;
        View = view;
        Shape = shape;
    }

    /// <summary>The device whose memory this is.</summary>
    public Device Device { get; }

    /// <summary>The sizes, outermost first.</summary>
    public Shape Shape { get; }

    /// <summary>The number of elements.</summary>
    public int Count => Shape.Count;

    /// <summary>The memory as ILGPU's kernels take it.</summary>
    public ArrayView<T> View { get; }

    /// <summary>The address of the first element. Only for memory of the CPU accelerator, which does not move.</summary>
    internal unsafe T* Pointer => View.Start();

    /// <summary>The first entries along the outermost dimension, as a view of the same memory.</summary>
    /// <param name="count">How many, at most the size of the outermost dimension.</param>
    /// <exception cref="ArgumentOutOfRangeException">More than there are.</exception>
    public Tensor<T> First(int count) => Slice(0, count);

    /// <summary>Some consecutive entries along the outermost dimension, as a view of the same memory.</summary>
    /// <param name="start">The first entry.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public Tensor<T> Slice(int start, int count)
    {
        if (start < 0 || count < 0 || start + count > Shape[0])
            throw new ArgumentOutOfRangeException(nameof(count), $"Entries {start} to {start + count} are not all in {Shape}.");
        Shape part = Shape.WithLeading(count);
        int entry = Shape[0] == 0 ? 0 : Count / Shape[0];
        return new Tensor<T>(Device, View.SubView((long)start * entry, part.Count), part);
    }

    /// <summary>The same memory under another shape of as many elements.</summary>
    /// <param name="shape">The new shape.</param>
    /// <exception cref="ArgumentException">The number of elements differs.</exception>
    public Tensor<T> Reshape(Shape shape) =>
        shape.Count == Count ? new Tensor<T>(Device, View, shape) : throw new ArgumentException($"{Shape} cannot be seen as {shape}: {Count} elements against {shape.Count}.", nameof(shape));

    /// <summary>Copies values from the host, overwriting. Returns when they may be changed again.</summary>
    /// <param name="values">As many as the tensor has elements.</param>
    /// <exception cref="ArgumentException">Another number of values.</exception>
    public unsafe void CopyFrom(ReadOnlySpan<T> values)
    {
        RequireCount(values.Length, nameof(values));
        if (Count == 0) return;
        if (Device.IsHost) values.CopyTo(new Span<T>(Pointer, Count));
        else
        {
            fixed (T* source = values)
                View.CopyFromCPUUnsafeAsync(Device.Stream, ref *source, Count);
            Device.Synchronize();
        }
    }

    /// <summary>Waits for the device and copies the values to the host.</summary>
    /// <param name="destination">As many elements as the tensor has.</param>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public unsafe void CopyTo(Span<T> destination)
    {
        RequireCount(destination.Length, nameof(destination));
        if (Count == 0) return;
        if (Device.IsHost) new ReadOnlySpan<T>(Pointer, Count).CopyTo(destination);
        else
        {
            fixed (T* target = destination)
            {
                View.CopyToCPUUnsafeAsync(Device.Stream, ref *target, Count);
                Device.Synchronize();
            }
        }
    }

    /// <summary>Waits for the device and returns the values as a new array.</summary>
    public T[] ToArray()
    {
        var values = new T[Count];
        CopyTo(values);
        return values;
    }

    /// <summary>Overwrites this tensor with another's values, on the device, in order with its other work.</summary>
    /// <param name="source">A tensor of the same device with as many elements.</param>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public void CopyFrom(Tensor<T> source)
    {
        RequireCount(source.Count, nameof(source));
        if (Count > 0) source.View.CopyTo(Device.Stream, View);
    }

    /// <summary>Whether both tensors start at the same place in memory.</summary>
    /// <param name="other">A tensor of the same device.</param>
    public bool SharesMemoryWith(Tensor<T> other) => View.LoadEffectiveAddressAsPtr() == other.View.LoadEffectiveAddressAsPtr();

    private void RequireCount(int count, string name)
    {
        if (count != Count) throw new ArgumentException($"{Shape} has {Count} elements, not {count}.", name);
    }
}

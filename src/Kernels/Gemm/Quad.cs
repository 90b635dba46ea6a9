using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

/// <summary>Four floats side by side: what a thread reads or writes with one instruction of 16 bytes.</summary>
internal struct Quad
{
    public float X;
    public float Y;
    public float Z;
    public float W;

    public Quad(float x, float y, float z, float w)
    {
        X = x;
        Y = y;
        Z = z;
        W = w;
    }

    /// <summary>a b + c in each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad MultiplyAdd(float a, Quad b, Quad c)
    {
        c.X += a * b.X;
        c.Y += a * b.Y;
        c.Z += a * b.Z;
        c.W += a * b.W;
        return c;
    }

    /// <summary>a + b in each element.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Quad Add(Quad a, Quad b) => new(a.X + b.X, a.Y + b.Y, a.Z + b.Z, a.W + b.W);

    /// <summary>
    /// Memory as quads. ILGPU joins loads and stores only where it can prove that addresses are multiples of 16: the promise is made
    /// here, and it is the caller's to keep.
    /// </summary>
    public static ArrayView<Quad> Of(ArrayView<float> values) => values.AsAligned(16).Cast<Quad>();

    /// <summary>Whether a view starts at a multiple of 16 bytes: buffers do on every device, so its place in the buffer decides.</summary>
    public static bool AreAligned(ArrayView<float> values) => Start(values) % 4 == 0;

    // Generic, as ArrayView shows its index by an interface only, and a cast would allocate.
    private static long Start<TView>(TView view) where TView : struct, IContiguousArrayView => view.Index;
}

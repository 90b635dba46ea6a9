using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>The forward pass of one 2x2 window, or of a vector of windows side by side.</summary>
internal unsafe interface IHalvingForward
{
    /// <summary>Outputs o, o + 1, ... from the windows whose upper left corners are corner, corner + 2, ...; the first is at <paramref name="position"/> in its plane, the others further by <paramref name="doubled"/> = 0, 2, 4, ...</summary>
    void Vector<TSimd, TVector>(float* corner, long o, int position, TVector doubled) where TSimd : struct, ISimd<TVector> where TVector : struct;

    void Single(float* corner, long o, int position);
}

/// <summary>The backward pass of one of the two rows of a 2x2 window, or of a vector of windows side by side.</summary>
internal unsafe interface IHalvingBackward
{
    /// <summary>The gradients row[0], row[1], ... from outputs o, o + 1, ...; two for each output.</summary>
    void Vector<TSimd, TVector>(float* row, long o, int position, TVector doubled) where TSimd : struct, ISimd<TVector> where TVector : struct;

    void Single(float* row, long o, int position);
}

/// <summary>
/// The loops of 2x2 windows side by side (<see cref="PoolGeometry.IsHalving"/>), which halve an image. A last vector of a row is moved
/// back to end with the row. A row shorter than a vector is done by one vector too: what it writes past the row belongs to rows of
/// the same item that come later and overwrite it; only at an item's end the row is done one by one.
/// </summary>
internal static unsafe class Halving
{
    /// <summary>0, 1, 2, ... in the lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector LaneNumbers<TSimd, TVector>() where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        float* numbers = stackalloc float[16];
        for (int i = 0; i < 16; i++) numbers[i] = i;
        return TSimd.Load(numbers);
    }
}

/// <summary>The loops of the forward pass; an item is a block of output rows.</summary>
internal readonly unsafe struct HalvingForward<TWindow>(PoolGeometry g, TWindow window, float* x, int rows, int block) : IHostKernel where TWindow : unmanaged, IHalvingForward
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector lanes = Halving.LaneNumbers<TSimd, TVector>();
        TVector doubled = TSimd.Add(lanes, lanes);
        int end = Math.Min(rows, (item + 1) * block), width = g.Q;
        long limit = (long)end * width, inputLimit = (long)(rows / g.P) * g.H * g.W;
        int plane = item * block / g.P, p = item * block - plane * g.P;
        for (int row = item * block; row < end; row++)
        {
            long o = (long)row * width, start = ((long)plane * g.H + 2 * p) * g.W;
            int position = 2 * p * g.W;
            if (width >= TSimd.Count)
            {
                for (int q = 0; q < width; q += TSimd.Count)
                {
                    int from = Math.Min(q, width - TSimd.Count);
                    window.Vector<TSimd, TVector>(x + start + 2 * from, o + from, position + 2 * from, doubled);
                }
            }
            else if (o + TSimd.Count <= limit && start + g.W + 2 * TSimd.Count <= inputLimit)
            {
                window.Vector<TSimd, TVector>(x + start, o, position, doubled);
            }
            else
            {
                for (int q = 0; q < width; q++) window.Single(x + start + 2 * q, o + q, position + 2 * q);
            }
            if (++p == g.P) (plane, p) = (plane + 1, 0);
        }
    }
}

/// <summary>The loops of the backward pass; an item is a block of planes, their rows in ascending order.</summary>
internal readonly unsafe struct HalvingBackward<TWindow>(PoolGeometry g, TWindow window, float* dx, int planes, int block) : IHostKernel where TWindow : unmanaged, IHalvingBackward
{
    public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
    {
        TVector lanes = Halving.LaneNumbers<TSimd, TVector>();
        TVector doubled = TSimd.Add(lanes, lanes);
        int last = Math.Min(planes, (item + 1) * block), width = g.Q;
        long limit = (long)last * g.H * g.W, outputs = (long)planes * g.P * width;
        for (int plane = item * block; plane < last; plane++)
        {
            for (int h = 0; h < 2 * g.P; h++)
            {
                long start = ((long)plane * g.H + h) * g.W, o = ((long)plane * g.P + h / 2) * width;
                int position = h * g.W;
                if (width >= TSimd.Count)
                {
                    for (int q = 0; q < width; q += TSimd.Count)
                    {
                        int from = Math.Min(q, width - TSimd.Count);
                        window.Vector<TSimd, TVector>(dx + start + 2 * from, o + from, position + 2 * from, doubled);
                    }
                }
                else if (start + 2 * TSimd.Count <= limit && o + TSimd.Count <= outputs)
                {
                    window.Vector<TSimd, TVector>(dx + start, o, position, doubled);
                }
                else
                {
                    for (int q = 0; q < width; q++) window.Single(dx + start + 2 * q, o + q, position + 2 * q);
                }
                for (int w = 2 * width; w < g.W; w++) dx[start + w] = 0;
            }
            // Rows that no window covers.
            new Span<float>(dx + ((long)plane * g.H + 2 * g.P) * g.W, (g.H - 2 * g.P) * g.W).Clear();
        }
    }
}

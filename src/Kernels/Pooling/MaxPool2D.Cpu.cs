using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// Max pooling on the CPU. Forward: an item is a block of output rows; along a row each lane is an output, loaded directly (stride 1)
/// or from pairs of vectors (stride 2), other strides and the padding's columns one by one. Windows of 2x2 side by side have the loops of
/// <see cref="Halving"/> and share their loads. Positions are carried as floats beside the maxima, exact below 2^24. Backward: an item is
/// a block of planes.
/// </summary>
internal static unsafe class MaxPool2DCpu
{
    // Floats of input that an item covers at least: 32 KiB, so that sharing out costs little and an item stays in the first-level cache.
    private const int ItemFloats = 8192;

    // Above this a float does not hold every position.
    private const int ExactPositions = 1 << 24;

    /// <summary>Forward; <paramref name="argmax"/> may be null.</summary>
    public static void Forward(Device device, PoolGeometry g, Tensor<float> x, Tensor<float> y, int* argmax)
    {
        int rows = y.Count / g.Q;
        int block = Math.Max(1, ItemFloats / Math.Max(1, g.StrideH * g.W));
        int items = (rows + block - 1) / block;
        if (g.IsHalving && (argmax == null || g.H * g.W <= ExactPositions))
            device.Host.Run(new HalvingForward<MaxForwardWindow>(g, new MaxForwardWindow(g, y.Pointer, argmax), x.Pointer, rows, block), items);
        else
            device.Host.Run(new RowForward(g, x.Pointer, y.Pointer, argmax, rows, block), items);
    }

    public static void Backward(Device device, PoolGeometry g, Tensor<float> dy, Tensor<int> argmax, Tensor<float> dx)
    {
        int planes = dx.Count / (g.H * g.W);
        int block = Math.Max(1, ItemFloats / (g.H * g.W));
        int items = (planes + block - 1) / block;
        if (g.IsHalving && g.H * g.W <= ExactPositions)
            device.Host.Run(new HalvingBackward<MaxBackwardWindow>(g, new MaxBackwardWindow(dy.Pointer, argmax.Pointer), dx.Pointer, planes, block), items);
        else
            device.Host.Run(new PlaneBackward(g, dy.Pointer, argmax.Pointer, dx.Pointer, planes, block), items);
    }

    // a unless b is larger or NaN: the choice that the search for positions makes, so that both give the same bits, also for -0 and 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector Larger<TSimd, TVector>(TVector a, TVector b) where TSimd : struct, ISimd<TVector> where TVector : struct =>
        TSimd.Select(TSimd.GreaterThanOrNaN(b, a), b, a);

    private readonly struct RowForward(PoolGeometry g, float* x, float* y, int* argmax, int rows, int block) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int q0, int q1) = g.VectorColumns();
            bool vectors = q1 - q0 >= TSimd.Count && g.H * g.W <= ExactPositions;
            if (!vectors) q0 = q1 = g.Q;
            int end = Math.Min(rows, (item + 1) * block);
            for (int row = item * block; row < end; row++)
            {
                int plane = row / g.P, p = row - plane * g.P;
                int r0 = PoolGeometry.Begin(g.Top(p), g.DilationH), r1 = PoolGeometry.End(g.Top(p), g.DilationH, g.R, g.H);
                float* image = x + (long)plane * g.H * g.W;
                long o = (long)row * g.Q;
                for (int q = 0; q < q0; q++) Single(image, p, q, r0, r1, o + q);
                if (r0 < r1)
                {
                    // The last vector is moved back to end at the last column; lanes done twice get the same values.
                    for (int q = q0; q < q1; q += TSimd.Count)
                        Vector<TSimd, TVector>(image, p, Math.Min(q, q1 - TSimd.Count), r0, r1, o);
                }
                else for (int q = q0; q < q1; q++) Single(image, p, q, r0, r1, o + q);
                for (int q = q1; q < g.Q; q++) Single(image, p, q, r0, r1, o + q);
            }
        }

        private void Single(float* image, int p, int q, int r0, int r1, long o)
        {
            int top = g.Top(p), left = g.Left(q);
            int s0 = PoolGeometry.Begin(left, g.DilationW), s1 = PoolGeometry.End(left, g.DilationW, g.S, g.W);
            int at = -1;
            float max = float.NegativeInfinity;
            for (int r = r0; r < r1; r++)
            {
                for (int s = s0; s < s1; s++)
                {
                    int candidate = (top + r * g.DilationH) * g.W + left + s * g.DilationW;
                    float value = image[candidate];
                    if (at < 0 || value > max || float.IsNaN(value))
                    {
                        max = value;
                        at = candidate;
                    }
                }
            }
            y[o] = max;
            if (argmax != null) argmax[o] = at;
        }

        private void Vector<TSimd, TVector>(float* image, int p, int q, int r0, int r1, long o) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int corner = g.Top(p) * g.W + g.Left(q);
            int first = corner + r0 * g.DilationH * g.W;
            TVector max = g.Load<TSimd, TVector>(image + first);
            if (argmax == null)
            {
                for (int r = r0; r < r1; r++)
                    for (int s = 0; s < g.S; s++)
                        max = Larger<TSimd, TVector>(max, g.Load<TSimd, TVector>(image + corner + r * g.DilationH * g.W + s * g.DilationW));
            }
            else
            {
                TVector lanes = TSimd.Multiply(Halving.LaneNumbers<TSimd, TVector>(), TSimd.Broadcast(g.StrideW));
                TVector at = TSimd.Add(lanes, TSimd.Broadcast(first));
                for (int r = r0; r < r1; r++)
                {
                    for (int s = 0; s < g.S; s++)
                    {
                        int candidate = corner + r * g.DilationH * g.W + s * g.DilationW;
                        TVector value = g.Load<TSimd, TVector>(image + candidate);
                        TVector wins = TSimd.GreaterThanOrNaN(value, max);
                        max = TSimd.Select(wins, value, max);
                        at = TSimd.Select(wins, TSimd.Add(lanes, TSimd.Broadcast(candidate)), at);
                    }
                }
                TSimd.StoreInt32(at, argmax + o + q);
            }
            TSimd.Store(max, y + o + q);
        }
    }

    private readonly struct MaxForwardWindow(PoolGeometry g, float* y, int* argmax) : IHalvingForward
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Vector<TSimd, TVector>(float* corner, long o, int position, TVector doubled) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector a0 = TSimd.Load(corner), a1 = TSimd.Load(corner + TSimd.Count);
            TVector b0 = TSimd.Load(corner + g.W), b1 = TSimd.Load(corner + g.W + TSimd.Count);
            TVector topLeft = TSimd.Even(a0, a1), topRight = TSimd.Odd(a0, a1), bottomLeft = TSimd.Even(b0, b1), bottomRight = TSimd.Odd(b0, b1);
            if (argmax == null)
            {
                TVector top = Larger<TSimd, TVector>(topLeft, topRight), bottom = Larger<TSimd, TVector>(bottomLeft, bottomRight);
                TSimd.Store(Larger<TSimd, TVector>(top, bottom), y + o);
                return;
            }
            TVector at = TSimd.Add(doubled, TSimd.Broadcast(position));
            TVector one = TSimd.Broadcast(1);
            TVector wins = TSimd.GreaterThanOrNaN(topRight, topLeft);
            TVector max = TSimd.Select(wins, topRight, topLeft);
            TVector atMax = TSimd.Select(wins, TSimd.Add(at, one), at);
            at = TSimd.Add(at, TSimd.Broadcast(g.W));
            wins = TSimd.GreaterThanOrNaN(bottomLeft, max);
            max = TSimd.Select(wins, bottomLeft, max);
            atMax = TSimd.Select(wins, at, atMax);
            wins = TSimd.GreaterThanOrNaN(bottomRight, max);
            TSimd.Store(TSimd.Select(wins, bottomRight, max), y + o);
            TSimd.StoreInt32(TSimd.Select(wins, TSimd.Add(at, one), atMax), argmax + o);
        }

        public void Single(float* corner, long o, int position)
        {
            float max = corner[0];
            int at = position;
            Try(corner[1], position + 1, ref max, ref at);
            Try(corner[g.W], position + g.W, ref max, ref at);
            Try(corner[g.W + 1], position + g.W + 1, ref max, ref at);
            y[o] = max;
            if (argmax != null) argmax[o] = at;
        }

        private static void Try(float value, int position, ref float max, ref int at)
        {
            if (!(value > max || float.IsNaN(value))) return;
            max = value;
            at = position;
        }
    }

    private readonly struct PlaneBackward(PoolGeometry g, float* dy, int* argmax, float* dx, int planes, int block) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int size = g.H * g.W, outputs = g.P * g.Q;
            for (int plane = item * block; plane < Math.Min(planes, (item + 1) * block); plane++)
            {
                float* image = dx + (long)plane * size;
                new Span<float>(image, size).Clear();
                float* gradient = dy + (long)plane * outputs;
                int* at = argmax + (long)plane * outputs;
                // The comparison drops -1, and any other position that is not in the plane.
                for (int o = 0; o < outputs; o++)
                    if ((uint)at[o] < (uint)size) image[at[o]] += gradient[o];
            }
        }
    }

    private readonly struct MaxBackwardWindow(float* dy, int* argmax) : IHalvingBackward
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Vector<TSimd, TVector>(float* row, long o, int position, TVector doubled) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector gradient = TSimd.Load(dy + o), at = TSimd.LoadInt32(argmax + o);
            TVector left = TSimd.Add(doubled, TSimd.Broadcast(position));
            TVector even = TSimd.Select(TSimd.Equal(at, left), gradient, default);
            TVector odd = TSimd.Select(TSimd.Equal(at, TSimd.Add(left, TSimd.Broadcast(1))), gradient, default);
            TSimd.Store(TSimd.InterleaveLow(even, odd), row);
            TSimd.Store(TSimd.InterleaveHigh(even, odd), row + TSimd.Count);
        }

        public void Single(float* row, long o, int position)
        {
            row[0] = argmax[o] == position ? dy[o] : 0;
            row[1] = argmax[o] == position + 1 ? dy[o] : 0;
        }
    }
}

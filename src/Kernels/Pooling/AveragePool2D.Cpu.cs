namespace GpuConv.Kernels;

/// <summary>
/// Average pooling on the CPU. Forward: an item is a block of output rows, each lane an output (strides 1 and 2), other strides and
/// the padding's columns one by one; 2x2 windows side by side by <see cref="Halving"/>. Backward: an item is a block of planes; with stride 1 each lane is an input column.
/// The order of each sum is that of the GPU's kernels.
/// </summary>
internal static unsafe class AveragePool2DCpu
{
    // Floats of input that an item covers at least: 32 KiB, so that sharing out costs little and an item stays in the first-level cache.
    private const int ItemFloats = 8192;

    public static void Forward(Device device, PoolGeometry g, int countPadding, Tensor<float> x, Tensor<float> y)
    {
        int rows = y.Count / g.Q;
        int block = Math.Max(1, ItemFloats / Math.Max(1, g.StrideH * g.W));
        int items = (rows + block - 1) / block;
        if (g.IsHalving) device.Host.Run(new HalvingForward<ForwardWindow>(g, new ForwardWindow(g, y.Pointer), x.Pointer, rows, block), items);
        else device.Host.Run(new RowForward(g, countPadding, x.Pointer, y.Pointer, rows, block), items);
    }

    public static void Backward(Device device, PoolGeometry g, int countPadding, Tensor<float> dy, Tensor<float> dx)
    {
        int planes = dx.Count / (g.H * g.W);
        int block = Math.Max(1, ItemFloats / (g.H * g.W));
        int items = (planes + block - 1) / block;
        if (g.IsHalving) device.Host.Run(new HalvingBackward<BackwardWindow>(g, new BackwardWindow(dy.Pointer), dx.Pointer, planes, block), items);
        else device.Host.Run(new PlaneBackward(g, countPadding, dy.Pointer, dx.Pointer, planes, block), items);
    }

    private readonly struct RowForward(PoolGeometry g, int countPadding, float* x, float* y, int rows, int block) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            (int q0, int q1) = g.VectorColumns();
            if (q1 - q0 < TSimd.Count) q0 = q1 = g.Q;
            int end = Math.Min(rows, (item + 1) * block);
            for (int row = item * block; row < end; row++)
            {
                int plane = row / g.P, p = row - plane * g.P;
                float* image = x + (long)plane * g.H * g.W;
                float* destination = y + (long)row * g.Q;
                int counted = AveragePool2DGpu.RowCount(g, p, countPadding);
                if (counted == 0)
                {
                    new Span<float>(destination, g.Q).Clear();
                    continue;
                }
                for (int q = 0; q < q0; q++) destination[q] = Single(image, p, q, counted);
                // The last vector is moved back to end at the last column; lanes done twice get the same values.
                for (int q = q0; q < q1; q += TSimd.Count)
                {
                    int from = Math.Min(q, q1 - TSimd.Count);
                    TSimd.Store(Vector<TSimd, TVector>(image, p, from, counted * g.S), destination + from);
                }
                for (int q = q1; q < g.Q; q++) destination[q] = Single(image, p, q, counted);
            }
        }

        private float Single(float* image, int p, int q, int rowsCounted)
        {
            int top = g.Top(p), left = g.Left(q);
            int r1 = PoolGeometry.End(top, g.DilationH, g.R, g.H);
            int s0 = PoolGeometry.Begin(left, g.DilationW), s1 = PoolGeometry.End(left, g.DilationW, g.S, g.W);
            float sum = 0;
            for (int r = PoolGeometry.Begin(top, g.DilationH); r < r1; r++)
                for (int s = s0; s < s1; s++)
                    sum += image[(top + r * g.DilationH) * g.W + left + s * g.DilationW];
            int count = rowsCounted * AveragePool2DGpu.ColumnCount(g, q, countPadding);
            return count == 0 ? 0 : sum / count;
        }

        private TVector Vector<TSimd, TVector>(float* image, int p, int q, int count) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int top = g.Top(p);
            int r1 = PoolGeometry.End(top, g.DilationH, g.R, g.H);
            TVector sum = default;
            for (int r = PoolGeometry.Begin(top, g.DilationH); r < r1; r++)
            {
                float* from = image + (top + r * g.DilationH) * g.W + g.Left(q);
                for (int s = 0; s < g.S; s++) sum = TSimd.Add(sum, g.Load<TSimd, TVector>(from + s * g.DilationW));
            }
            return TSimd.Divide(sum, TSimd.Broadcast(count));
        }
    }

    private readonly struct PlaneBackward(PoolGeometry g, int countPadding, float* dy, float* dx, int planes, int block) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int plane = item * block; plane < Math.Min(planes, (item + 1) * block); plane++)
            {
                float* image = dx + (long)plane * g.H * g.W;
                new Span<float>(image, g.H * g.W).Clear();
                for (int p = 0; p < g.P; p++)
                {
                    int rows = AveragePool2DGpu.RowCount(g, p, countPadding);
                    float* gradient = dy + ((long)plane * g.P + p) * g.Q;
                    for (int q = 0; q < g.Q; q++)
                    {
                        int count = rows * AveragePool2DGpu.ColumnCount(g, q, countPadding);
                        scratch[q] = count == 0 ? 0 : gradient[q] / count;
                    }
                    int top = g.Top(p), r1 = PoolGeometry.End(top, g.DilationH, g.R, g.H);
                    for (int r = PoolGeometry.Begin(top, g.DilationH); r < r1; r++)
                    {
                        float* row = image + (top + r * g.DilationH) * g.W;
                        if (g.StrideW == 1) Scatter<TSimd, TVector>(scratch, row);
                        else ScatterStrided(scratch, row);
                    }
                }
            }
        }

        // Window columns from the last to the first, so that an input column receives its outputs in ascending order.
        private void Scatter<TSimd, TVector>(float* gradient, float* row) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int s = g.S - 1; s >= 0; s--)
            {
                int offset = s * g.DilationW - g.PadLeft;
                int q = Math.Max(0, -offset), end = Math.Min(g.Q, g.W - offset);
                for (; q <= end - TSimd.Count; q += TSimd.Count)
                    TSimd.Store(TSimd.Add(TSimd.Load(row + q + offset), TSimd.Load(gradient + q)), row + q + offset);
                for (; q < end; q++) row[q + offset] += gradient[q];
            }
        }

        private void ScatterStrided(float* gradient, float* row)
        {
            for (int q = 0; q < g.Q; q++)
            {
                int left = g.Left(q), s1 = PoolGeometry.End(left, g.DilationW, g.S, g.W);
                for (int s = PoolGeometry.Begin(left, g.DilationW); s < s1; s++) row[left + s * g.DilationW] += gradient[q];
            }
        }
    }

    private readonly struct ForwardWindow(PoolGeometry g, float* y) : IHalvingForward
    {
        public void Vector<TSimd, TVector>(float* corner, long o, int position, TVector doubled) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector a0 = TSimd.Load(corner), a1 = TSimd.Load(corner + TSimd.Count);
            TVector b0 = TSimd.Load(corner + g.W), b1 = TSimd.Load(corner + g.W + TSimd.Count);
            TVector top = TSimd.Add(TSimd.Even(a0, a1), TSimd.Odd(a0, a1));
            TVector sum = TSimd.Add(TSimd.Add(top, TSimd.Even(b0, b1)), TSimd.Odd(b0, b1));
            TSimd.Store(TSimd.Multiply(sum, TSimd.Broadcast(0.25f)), y + o);
        }

        public void Single(float* corner, long o, int position) => y[o] = (corner[0] + corner[1] + corner[g.W] + corner[g.W + 1]) * 0.25f;
    }

    private readonly struct BackwardWindow(float* dy) : IHalvingBackward
    {
        public void Vector<TSimd, TVector>(float* row, long o, int position, TVector doubled) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            TVector gradient = TSimd.Multiply(TSimd.Load(dy + o), TSimd.Broadcast(0.25f));
            TSimd.Store(TSimd.InterleaveLow(gradient, gradient), row);
            TSimd.Store(TSimd.InterleaveHigh(gradient, gradient), row + TSimd.Count);
        }

        public void Single(float* row, long o, int position) => row[0] = row[1] = dy[o] * 0.25f;
    }
}

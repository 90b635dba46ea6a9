using System.Runtime.InteropServices;

namespace GpuConv.Kernels;

/// <content>
/// The gradient to the input: dx (C x pixels) = wT (C x K R S) planes of dy (K R S x pixels), the kernel turned by half a circle. With a
/// stride, each phase of dx (the rows and columns h and w with the same (h + pad) mod stride) is such a product with step one, over
/// the kernel elements that meet the phase; every product that contributes is computed once and none with an inserted zero.
/// </content>
internal sealed unsafe partial class Conv2DCpu
{
    private readonly Tensor<float> packedWeights;
    private int gradInputRows, gradInputWidth, gradInputPlaneSize, phaseTable, phaseCount;

    // One phase of dx: along each axis the first row, how many, and its first row's place in the planes, in ascending kernel elements.
    private readonly record struct Phase(int First, int Count, int Begin, int[] Elements);

    // What the kernels know of a phase, as it lies in the table.
    private readonly record struct PhaseEntry(int Row, int Column, int Rows, int Columns, int Elements, int Offsets, int KernelElements, int Weights);

    private int GradInputShiftH => (shape.KernelHeight - 1) * shape.DilationHeight / shape.StrideHeight;

    private int GradInputShiftW => (shape.KernelWidth - 1) * shape.DilationWidth / shape.StrideWidth;

    private long PlanGradInput()
    {
        Phase[] rows = GradInputPhases(shape.InHeight, shape.KernelHeight, shape.StrideHeight, shape.DilationHeight, shape.PadTop, GradInputShiftH);
        Phase[] columns = GradInputPhases(shape.InWidth, shape.KernelWidth, shape.StrideWidth, shape.DilationWidth, shape.PadLeft, GradInputShiftW);
        gradInputWidth = columns.Max(p => p.Begin + p.Count);
        int shift = rows.Max(p => p.Begin), height = rows.Max(p => p.Count);
        gradInputRows = BlockRows(height, gradInputWidth, shape.GroupOutChannels, shift, shape.GroupInChannels);
        gradInputPlaneSize = (gradInputRows + shift) * gradInputWidth;

        var entries = new List<PhaseEntry>();
        int weights = 0;
        foreach (Phase row in rows)
            foreach (Phase column in columns)
            {
                int elements = row.Elements.Length * column.Elements.Length;
                int kernelElements = table.Count;
                foreach (int r in row.Elements)
                    foreach (int s in column.Elements) table.Add(r * shape.KernelWidth + s);
                int offsets = table.Count;
                for (int k = 0; k < shape.GroupOutChannels; k++)
                    foreach (int r in row.Elements)
                        foreach (int s in column.Elements)
                        {
                            int up = r * shape.DilationHeight / shape.StrideHeight, across = s * shape.DilationWidth / shape.StrideWidth;
                            table.Add(checked(k * gradInputPlaneSize) + (row.Begin - up) * gradInputWidth + column.Begin - across);
                        }
                entries.Add(new PhaseEntry(row.First, column.First, row.Count, column.Count, elements, offsets, kernelElements, weights));
                weights += shape.OutChannels * shape.GroupInChannels * elements;
            }
        phaseTable = table.Count;
        phaseCount = rows.Length * columns.Length;
        table.AddRange(MemoryMarshal.Cast<PhaseEntry, int>(CollectionsMarshal.AsSpan(entries)));
        return (long)shape.GroupOutChannels * gradInputPlaneSize + (long)shape.GroupInChannels * Gemm.Align(gradInputRows * gradInputWidth);
    }

    private static Phase[] GradInputPhases(int size, int kernel, int stride, int dilation, int pad, int shift)
    {
        var phases = new List<Phase>();
        for (int phase = 0; phase < stride; phase++)
        {
            int first = ((phase - pad) % stride + stride) % stride;
            if (first >= size) continue;
            // Row h sees, through kernel element r, the row (h + pad - r dilation) / stride of dy.
            int begin = (first + pad) / stride - pad / stride;
            int[] elements = [.. Enumerable.Range(0, kernel).Where(r => r * dilation % stride == phase)];
            phases.Add(new Phase(first, (size - 1 - first) / stride + 1, begin + shift, elements));
        }
        return [.. phases];
    }

    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx)
    {
        int images = dy.Shape[0] * shape.Groups;
        if (images == 0) return;
        var entries = (PhaseEntry*)(Table + phaseTable);
        device.Host.Run(new PackWeightsKernel(shape, entries, phaseCount, Table, w.Pointer, packedWeights.Pointer), shape.InChannels);

        var layout = new ImagePlanes
        {
            Height = shape.OutHeight,
            Width = shape.OutWidth,
            RowOrigin = shape.PadTop / shape.StrideHeight - GradInputShiftH,
            ColumnOrigin = shape.PadLeft / shape.StrideWidth - GradInputShiftW,
            PlaneWidth = gradInputWidth,
            PlaneSize = gradInputPlaneSize,
        };
        int height = (shape.InHeight + shape.StrideHeight - 1) / shape.StrideHeight;
        int rows = RowsForThreads(gradInputRows, height, images), blocks = (height + rows - 1) / rows;
        var kernel = new GradInputKernel(shape, layout, gradInputPlaneSize / gradInputWidth - gradInputRows, rows, blocks, Gemm.Align(gradInputRows * gradInputWidth),
            entries, phaseCount, Table, dy.Pointer, dy.Pointer + dy.Count, packedWeights.Pointer, dx.Pointer);
        device.Host.Run(kernel, images * blocks);
    }

    // One item packs the weights of one input channel: for each phase (C, K / groups, elements).
    private readonly struct PackWeightsKernel(Conv2DShape shape, PhaseEntry* phases, int phaseCount, int* table, float* w, float* packed) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int channels = shape.GroupInChannels, outChannels = shape.GroupOutChannels, area = shape.KernelHeight * shape.KernelWidth;
            int group = item / channels, channel = item % channels;
            for (int p = 0; p < phaseCount; p++)
            {
                int elements = phases[p].Elements;
                int* element = table + phases[p].KernelElements;
                float* to = packed + phases[p].Weights + (long)item * outChannels * elements;
                for (int k = 0; k < outChannels; k++)
                {
                    float* from = w + ((long)(group * outChannels + k) * channels + channel) * area;
                    for (int e = 0; e < elements; e++) *to++ = from[element[e]];
                }
            }
        }
    }

    private readonly struct GradInputKernel(Conv2DShape shape, ImagePlanes layout, int shift, int blockRows, int blocks, int ldc,
        PhaseEntry* phases, int phaseCount, int* table, float* dy, float* dyEnd, float* weights, float* dx) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int image = item / blocks, first = item % blocks * blockRows;
            int group = image % shape.Groups, channels = shape.GroupInChannels, outChannels = shape.GroupOutChannels;
            layout.Fill<TSimd, TVector>(dy + (long)image * outChannels * shape.OutHeight * shape.OutWidth, dyEnd, outChannels, first, blockRows + shift, scratch);
            float* c = scratch + (long)outChannels * layout.ChannelSize;
            for (int p = 0; p < phaseCount; p++)
            {
                PhaseEntry phase = phases[p];
                int rows = Math.Min(blockRows, phase.Rows - first);
                if (rows <= 0) continue;
                int columns = (rows - 1) * layout.PlaneWidth + phase.Columns, k = outChannels * phase.Elements;
                var left = new LeftRows(weights + phase.Weights + (long)group * channels * k, k, 1);
                Gemm.Multiply<TSimd, TVector, TableRows>(channels, (columns + TSimd.Count - 1) / TSimd.Count, k, left,
                    new TableRows(scratch, table + phase.Offsets, 2 * TSimd.Count), c, ldc);
                Scatter<TSimd, TVector>(phase, c, rows, first, dx + (long)image * channels * shape.InHeight * shape.InWidth);
            }
        }

        private void Scatter<TSimd, TVector>(PhaseEntry phase, float* c, int rows, int first, float* image) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            for (int channel = 0; channel < shape.GroupInChannels; channel++)
                for (int i = 0; i < rows; i++)
                {
                    float* from = c + (long)channel * ldc + i * layout.PlaneWidth;
                    float* to = image + ((long)channel * shape.InHeight + phase.Row + (first + i) * shape.StrideHeight) * shape.InWidth + phase.Column;
                    if (shape.StrideWidth == 1) CopyRow<TSimd, TVector>(from, 0, to, phase.Columns);
                    else
                        for (int j = 0; j < phase.Columns; j++) to[(long)j * shape.StrideWidth] = from[j];
                }
        }
    }
}

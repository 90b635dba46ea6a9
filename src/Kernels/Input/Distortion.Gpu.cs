using System.Runtime.CompilerServices;
using ILGPU;
using ILGPU.Runtime;

namespace GpuConv.Kernels;

public sealed partial class Distortion
{
    // One index owns one element of x; the first of each image also its label. Each draws its image's map anew: some hundred integer
    // operations, where a table of maps would be another launch and another wait for memory.
    internal readonly struct Kernel(BatchGather.Geometry g, RandomMap map, ArrayView<byte> images, ArrayView<int> labels, ArrayView<int> order, ArrayView<float> x, ArrayView<int> batchLabels) : IIndexKernel
    {
        public void Run(int element)
        {
            int i = element / g.Pixels, pixel = element - i * g.Pixels, source = order[g.Start + i];
            int line = pixel / g.Width, column = pixel - line * g.Width, channel = line / g.Height, row = line - channel * g.Height;
            AffineMap affine = map.Affine(source, g.Height, g.Width);

            float gridRow = row * RandomMap.CellsPerPixel(g.Height), gridColumn = column * RandomMap.CellsPerPixel(g.Width);
            int cellRow = (int)gridRow, cellColumn = (int)gridColumn;
            cellRow = cellRow > RandomMap.Nodes - 2 ? RandomMap.Nodes - 2 : cellRow;
            cellColumn = cellColumn > RandomMap.Nodes - 2 ? RandomMap.Nodes - 2 : cellColumn;
            int node = cellRow * RandomMap.Nodes + cellColumn;
            float fromRow = affine.FirstRow + affine.RowByRow * row + affine.RowByColumn * column + Elastic(map, source, node, 0, gridRow - cellRow, gridColumn - cellColumn);
            float fromColumn = affine.FirstColumn + affine.ColumnByRow * row + affine.ColumnByColumn * column + Elastic(map, source, node, 1, gridRow - cellRow, gridColumn - cellColumn);

            int top = Floor(fromRow), left = Floor(fromColumn);
            long plane = (long)source * g.Pixels + channel * g.Height * g.Width;
            float upper = Between(Pixel(images, plane, g, top, left), Pixel(images, plane, g, top, left + 1), fromColumn - left);
            float lower = Between(Pixel(images, plane, g, top + 1, left), Pixel(images, plane, g, top + 1, left + 1), fromColumn - left);
            x[element] = BatchGather.Normalised(Between(upper, lower, fromRow - top), g.Mean, g.Deviation);
            if (pixel == 0) batchLabels[i] = labels[source];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Elastic(RandomMap map, int image, int node, int axis, float rowShare, float columnShare)
    {
        float upper = Between(map.Displacement(image, node, axis), map.Displacement(image, node + 1, axis), columnShare);
        float lower = Between(map.Displacement(image, node + RandomMap.Nodes, axis), map.Displacement(image, node + RandomMap.Nodes + 1, axis), columnShare);
        return Between(upper, lower, rowShare);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Pixel(ArrayView<byte> images, long plane, BatchGather.Geometry g, int row, int column)
    {
        if (row < 0 || row >= g.Height || column < 0 || column >= g.Width) return 0;
        return images[plane + row * g.Width + column];
    }
}

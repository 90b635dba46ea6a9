namespace GpuConv.Kernels;

public sealed partial class Distortion
{
    // The normalised value of each byte; pinned, as CPU kernels take its address. To interpolate between these is to normalise what is
    // interpolated between bytes.
    private readonly float[] values = GC.AllocateUninitializedArray<float>(256, pinned: true);

    private unsafe void RunOnHost(BatchGather.Geometry geometry, RandomMap map, Tensor<byte> images, Tensor<int> labels, Tensor<int> order, Tensor<float> x, Tensor<int> batchLabels)
    {
        fixed (float* table = values)
            device.Host.Run(new HostKernel(geometry, map, table, images.Pointer, labels.Pointer, order.Pointer, x.Pointer, batchLabels.Pointer), x.Shape[0]);
    }

    // One item owns one image. Scalar: each pixel reads at its own place.
    private readonly unsafe struct HostKernel(BatchGather.Geometry g, RandomMap map, float* values, byte* images, int* labels, int* order, float* x, int* batchLabels) : IHostKernel
    {
        public void Run<TSimd, TVector>(int item, float* scratch) where TSimd : struct, ISimd<TVector> where TVector : struct
        {
            int source = order[g.Start + item];
            batchLabels[item] = labels[source];
            AffineMap affine = map.Affine(source, g.Height, g.Width);
            const int nodes = RandomMap.Nodes;
            float* downs = stackalloc float[nodes * nodes], rights = stackalloc float[nodes * nodes], rowDowns = stackalloc float[nodes], rowRights = stackalloc float[nodes];
            for (int node = 0; node < nodes * nodes; node++)
            {
                downs[node] = map.Displacement(source, node, 0);
                rights[node] = map.Displacement(source, node, 1);
            }
            float cellsPerRow = RandomMap.CellsPerPixel(g.Height), cellsPerColumn = RandomMap.CellsPerPixel(g.Width);
            int plane = g.Height * g.Width;
            byte* from = images + (long)source * g.Pixels;
            float* to = x + (long)item * g.Pixels;
            for (int row = 0; row < g.Height; row++, to += g.Width)
            {
                float gridRow = row * cellsPerRow;
                int cellRow = Math.Min((int)gridRow, nodes - 2);
                for (int node = 0; node < nodes; node++)
                {
                    int above = cellRow * nodes + node;
                    rowDowns[node] = Between(downs[above], downs[above + nodes], gridRow - cellRow);
                    rowRights[node] = Between(rights[above], rights[above + nodes], gridRow - cellRow);
                }
                float firstRow = affine.FirstRow + affine.RowByRow * row, firstColumn = affine.FirstColumn + affine.ColumnByRow * row;
                for (int column = 0; column < g.Width; column++)
                {
                    float gridColumn = column * cellsPerColumn;
                    int cell = Math.Min((int)gridColumn, nodes - 2);
                    float share = gridColumn - cell;
                    float fromRow = firstRow + affine.RowByColumn * column + Between(rowDowns[cell], rowDowns[cell + 1], share);
                    float fromColumn = firstColumn + affine.ColumnByColumn * column + Between(rowRights[cell], rowRights[cell + 1], share);
                    int top = Floor(fromRow), left = Floor(fromColumn);
                    for (int channel = 0; channel < g.Pixels; channel += plane)
                        to[channel + column] = Sample(values, from + channel, g.Height, g.Width, top, left, fromRow - top, fromColumn - left);
                }
            }
        }

        private static float Sample(float* values, byte* plane, int height, int width, int top, int left, float down, float right)
        {
            if (top >= 0 && top < height - 1 && left >= 0 && left < width - 1)
            {
                byte* corner = plane + top * width + left;
                return Between(Between(values[corner[0]], values[corner[1]], right), Between(values[corner[width]], values[corner[width + 1]], right), down);
            }
            float upper = Between(Pixel(values, plane, height, width, top, left), Pixel(values, plane, height, width, top, left + 1), right);
            float lower = Between(Pixel(values, plane, height, width, top + 1, left), Pixel(values, plane, height, width, top + 1, left + 1), right);
            return Between(upper, lower, down);
        }

        private static float Pixel(float* values, byte* plane, int height, int width, int row, int column) =>
            row < 0 || row >= height || column < 0 || column >= width ? values[0] : values[plane[row * width + column]];
    }
}

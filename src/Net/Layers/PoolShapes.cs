using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The sizes of a pooling on an input.</summary>
internal static class PoolShapes
{
    public static Pool2DShape For(Shape input, WindowOptions window, bool ceilMode)
    {
        LayerShapes.RequireImage(input);
        var shape = new Pool2DShape
        {
            Channels = input[0],
            InHeight = input[1],
            InWidth = input[2],
            KernelHeight = window.KernelHeight,
            KernelWidth = window.KernelWidth,
            StrideHeight = window.StrideHeight,
            StrideWidth = window.StrideWidth,
            PadTop = window.PadTop,
            PadLeft = window.PadLeft,
            PadBottom = window.PadBottom,
            PadRight = window.PadRight,
            DilationHeight = window.DilationHeight,
            DilationWidth = window.DilationWidth,
            CeilMode = ceilMode,
        };
        shape.Validate();
        return shape;
    }
}

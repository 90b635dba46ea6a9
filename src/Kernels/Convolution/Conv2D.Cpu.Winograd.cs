namespace GpuConv.Kernels;

/// <summary>A convolution of planes (N, C, H, W) by <see cref="WinogradCpu"/>: rows are transposed as they are read and written.</summary>
internal sealed unsafe class Conv2DWinogradCpu(DeviceArena arena, Conv2DShape shape, int maxBatch) : IConv2DKernels
{
    private readonly WinogradCpu winograd = new(arena, shape, maxBatch);

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y) =>
        winograd.Forward(Input(x), x.Shape[0], w.Pointer, new PlaneSink(y.Pointer, b is { } bias ? bias.Pointer : null, shape.OutHeight, shape.OutWidth, shape.OutChannels));

    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx) =>
        winograd.GradInput(Output(dy), dy.Shape[0], w.Pointer, new PlaneSink(dx.Pointer, null, shape.InHeight, shape.InWidth, shape.InChannels));

    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw) => winograd.GradWeight(Input(x), Output(dy), dy.Shape[0], dw.Pointer);

    public void GradBias(Tensor<float> dy, Tensor<float> db) => PlaneSum.Run(dy, db);

    private PlaneRows Input(Tensor<float> x) => new(x.Pointer, shape.InHeight, shape.InWidth, shape.InChannels);

    private PlaneRows Output(Tensor<float> y) => new(y.Pointer, shape.OutHeight, shape.OutWidth, shape.OutChannels);
}

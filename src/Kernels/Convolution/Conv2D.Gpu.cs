namespace GpuConv.Kernels;

/// <summary>Convolution on GPUs.</summary>
internal sealed class Conv2DGpu : IConv2DKernels
{
    public Conv2DGpu(DeviceArena arena, Conv2DShape shape, int maxBatch) => throw new NotImplementedException();

    public void Forward(Tensor<float> x, Tensor<float> w, Tensor<float>? b, Tensor<float> y) => throw new NotImplementedException();

    public void GradInput(Tensor<float> dy, Tensor<float> w, Tensor<float> dx) => throw new NotImplementedException();

    public void GradWeight(Tensor<float> x, Tensor<float> dy, Tensor<float> dw) => throw new NotImplementedException();

    public void GradBias(Tensor<float> dy, Tensor<float> db) => throw new NotImplementedException();
}

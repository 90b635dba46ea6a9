namespace GpuConv.Kernels;

/// <summary>Matrix products on the CPU.</summary>
internal sealed class MatMulCpu : IMatMulKernels
{
    public MatMulCpu(DeviceArena arena, bool transposeA, bool transposeB, int maxElements) => throw new NotImplementedException();

    public void Multiply(int m, int n, int k, Tensor<float> a, Tensor<float> b, Tensor<float>? bias, Tensor<float> c) => throw new NotImplementedException();
}

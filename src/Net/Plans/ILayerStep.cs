namespace GpuConv.Net;

/// <summary>A layer's work in a plan, all its tensors and kernels bound.</summary>
internal interface ILayerStep
{
    /// <summary>Writes the output of the first <paramref name="batch"/> images.</summary>
    void Forward(int batch);

    /// <summary>Writes the gradients to the parameters and, where it is asked for, to the inputs.</summary>
    void Backward(int batch);
}

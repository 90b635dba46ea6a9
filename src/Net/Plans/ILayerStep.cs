namespace GpuConv.Net;

/// <summary>A layer's work in a plan, all its tensors and kernels bound. It only launches kernels: it does not wait for the device and allocates nothing.</summary>
public interface ILayerStep
{
    /// <summary>Writes the output of the first images.</summary>
    /// <param name="batch">How many.</param>
    void Forward(int batch);

    /// <summary>Writes the gradients to the parameters and, where it is asked for, to the inputs: what was there is overwritten. Called after <see cref="Forward"/> with the same images.</summary>
    /// <param name="batch">How many.</param>
    void Backward(int batch);
}

using System.Reflection;
using ILGPU;

namespace GpuConv.Kernels;

/// <summary>Runs kernels in place of the device: an interpreter of their compiled form, or a list of them. A kernel is the method that is compiled; its argument is the struct.</summary>
internal interface IKernelRunner
{
    /// <summary>What runs a kernel with one index for each of so many elements.</summary>
    Action<int, object> LoadIndexed(MethodInfo kernel);

    /// <summary>What runs a kernel by groups.</summary>
    Action<KernelConfig, object> LoadGrouped(MethodInfo kernel);

    /// <summary>Keeps launches, with their arguments as they are, instead of running them; what is returned runs them all.</summary>
    Action Capture(Action launches);
}

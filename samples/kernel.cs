#:project ../src/Net/GpuConv.Net.csproj
#:property PublishAot=false

// A kernel of your own with its gradient, checked: dotnet run samples/kernel.cs
//
// The operator: a filter along each row that takes a share of the left neighbour away, y[i] = x[i] - a x[i-1], with the share a as a parameter.

using GpuConv.Kernels;
using ILGPU;

Shape shape = new(6, 9);
using Device device = Device.Open(args.Length > 0 ? args[0] : "auto");

// Kernels are compiled for the device here, once; launching them is then a call: the number of indices, and the kernel with its arguments.
var forward = new IndexKernel<Forward>(device);
var gradInput = new IndexKernel<GradInput>(device);
var gradShare = new IndexKernel<GradShare>(device);

// The check runs both passes on random values, and compares the gradient along random directions with central differences of the forward pass, in float64.
foreach (GradientCheckResult result in GradientCheck.Run(
    device,
    inputs: [("x", shape), ("a", new Shape(1))],
    output: shape,
    forward: (inputs, y) => forward.Launch(shape.Count, new(inputs[0].View, inputs[1].View, y.View, shape[1])),
    backward: (inputs, y, dy, gradients) =>
    {
        gradInput.Launch(shape.Count, new(dy.View, inputs[1].View, gradients[0].View, shape[1]));
        gradShare.Launch(1, new(inputs[0].View, dy.View, gradients[1].View, shape[1]));
    }))
{
    Console.WriteLine(result);
    if (!result.Passed) Environment.ExitCode = 1;
}
// Try it: turn the + 1 in GradInput into - 1, which is right for the forward pass, and see what the check says.

// A kernel is a public struct whose fields are its arguments: numbers and views, no objects. On GPUs an index is a lane; on a CPU all threads share the indices out.
// One index owns one output, so nothing is written twice and no order matters.
public readonly struct Forward(ArrayView<float> x, ArrayView<float> a, ArrayView<float> y, int width) : IIndexKernel
{
    public void Run(int i) => y[i] = x[i] - (i % width > 0 ? a[0] * x[i - 1] : 0);
}

// x[i] is read by the outputs i and i + 1. A gradient that gathers what it owes is like a forward pass; one that scatters would need atomics, and
// with them its sums would differ from run to run.
public readonly struct GradInput(ArrayView<float> dy, ArrayView<float> a, ArrayView<float> dx, int width) : IIndexKernel
{
    public void Run(int i) => dx[i] = dy[i] - (i % width < width - 1 ? a[0] * dy[i + 1] : 0);
}

// Every output depends on the share: one index adds them all up, in order. A large operator would use a tree of a fixed shape.
public readonly struct GradShare(ArrayView<float> x, ArrayView<float> dy, ArrayView<float> da, int width) : IIndexKernel
{
    public void Run(int i)
    {
        float sum = 0;
        for (int j = 0; j < dy.IntLength; j++)
            if (j % width > 0) sum -= dy[j] * x[j - 1];
        da[i] = sum;
    }
}

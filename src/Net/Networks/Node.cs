using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>One layer at its place in a network.</summary>
/// <param name="Name">Its name, unique in the network: <c>conv1</c>.</param>
/// <param name="Layer">What it does.</param>
/// <param name="Inputs">The nodes that it reads, by their position in the network; -1 is the network's input.</param>
/// <param name="InputShapes">The shapes that it reads, without the batch.</param>
/// <param name="OutputShape">The shape that it writes, without the batch.</param>
/// <param name="Parameters">Its parameters, under their full names.</param>
public sealed record Node(
    string Name,
    ILayer Layer,
    IReadOnlyList<int> Inputs,
    IReadOnlyList<Shape> InputShapes,
    Shape OutputShape,
    IReadOnlyList<Parameter> Parameters);

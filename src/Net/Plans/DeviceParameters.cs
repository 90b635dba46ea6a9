using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A network's parameters on a device. All trainable ones lie in one tensor and their gradients in another, so that an optimiser
/// steps over everything at once. Plans of the same network share them.
/// </summary>
public sealed class DeviceParameters
{
    // Each parameter starts on a cache line; the gaps hold zeros, which optimisers leave at zero.
    private const int Alignment = 16;

    private readonly Dictionary<string, Tensor<float>> values = [];
    private readonly Dictionary<string, Tensor<float>> gradients = [];

    /// <summary>Allocates the parameters of a network, all zeros.</summary>
    /// <param name="arena">Where their memory comes from.</param>
    /// <param name="network">The network.</param>
    /// <param name="withGradients">Whether gradients are allocated too.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public DeviceParameters(DeviceArena arena, Network network, bool withGradients)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(network);
        Network = network;
        int total = network.Parameters.Where(p => p.IsTrainable).Sum(p => Padded(p.Shape.Count));
        Values = arena.Allocate<float>(new Shape(total));
        Gradients = arena.Allocate<float>(new Shape(withGradients ? total : 0));
        int offset = 0;
        foreach (Parameter parameter in network.Parameters)
        {
            if (!parameter.IsTrainable)
            {
                values[parameter.Name] = arena.Allocate<float>(parameter.Shape);
                continue;
            }
            values[parameter.Name] = Part(Values, parameter, offset);
            if (withGradients) gradients[parameter.Name] = Part(Gradients, parameter, offset);
            offset += Padded(parameter.Shape.Count);
        }
    }

    /// <summary>The network whose parameters these are.</summary>
    public Network Network { get; }

    /// <summary>All trainable parameters, one after the other, each padded to a multiple of 16 elements.</summary>
    public Tensor<float> Values { get; }

    /// <summary>Their gradients, in the same places; empty if there are none.</summary>
    public Tensor<float> Gradients { get; }

    /// <summary>A parameter by its name.</summary>
    /// <param name="name">The full name, as <c>conv1.weight</c>.</param>
    public Tensor<float> Value(string name) => values[name];

    /// <summary>A trainable parameter's gradient by its name.</summary>
    /// <param name="name">The full name, as <c>conv1.weight</c>.</param>
    public Tensor<float> Gradient(string name) => gradients[name];

    /// <summary>A parameter's place in a tensor that is laid out as <see cref="Values"/>: an optimiser's state.</summary>
    /// <param name="state">The tensor.</param>
    /// <param name="name">The parameter's full name.</param>
    public Tensor<float> Part(Tensor<float> state, string name)
    {
        int offset = 0;
        foreach (Parameter parameter in Network.Parameters.Where(p => p.IsTrainable))
        {
            if (parameter.Name == name) return Part(state, parameter, offset);
            offset += Padded(parameter.Shape.Count);
        }
        throw new ArgumentException($"The network has no trainable parameter '{name}'.", nameof(name));
    }

    /// <summary>Copies weights to the device.</summary>
    /// <param name="weights">Values for all parameters of the network.</param>
    public void Load(Weights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        foreach (NamedArray array in weights.Arrays) values[array.Name].CopyFrom(array.Values);
    }

    /// <summary>Waits for the device and copies the weights to the host.</summary>
    public Weights Read() =>
        new([.. Network.Parameters.Select(p => new NamedArray(p.Name, p.Shape.ToArray(), values[p.Name].ToArray()))]);

    private static int Padded(int count) => (count + Alignment - 1) / Alignment * Alignment;

    private static Tensor<float> Part(Tensor<float> whole, Parameter parameter, int offset) =>
        whole.Slice(offset, parameter.Shape.Count).Reshape(parameter.Shape);
}

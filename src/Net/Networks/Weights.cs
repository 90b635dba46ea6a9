using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>Values for all parameters of a network, on the host, in the network's order and under its names.</summary>
/// <param name="Arrays">The values.</param>
public sealed record Weights(IReadOnlyList<NamedArray> Arrays)
{
    /// <summary>Starting values, a function of the seed and each parameter's name alone: a network with more layers starts its common ones alike.</summary>
    /// <param name="network">The network.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="gain">The factor of He's initialisation.</param>
    public static Weights Initial(Network network, ulong seed, float gain = 1)
    {
        ArgumentNullException.ThrowIfNull(network);
        return new Weights([.. network.Parameters.Select(p => new NamedArray(p.Name, p.Shape.ToArray(), Start(p, seed, gain)))]);
    }

    /// <summary>Checks that there are values of the right shape for each parameter, and no others, and puts them into the network's order.</summary>
    /// <param name="network">The network.</param>
    /// <param name="arrays">Named values in any order.</param>
    /// <param name="source">Where they come from, for the message.</param>
    /// <exception cref="ModelFileException">A parameter is missing, has another shape, or belongs to no layer.</exception>
    public static Weights Match(Network network, IReadOnlyList<NamedArray> arrays, string source)
    {
        ArgumentNullException.ThrowIfNull(network);
        var byName = arrays.ToDictionary(a => a.Name);
        var ordered = new List<NamedArray>();
        foreach (Parameter parameter in network.Parameters)
        {
            if (!byName.Remove(parameter.Name, out NamedArray? array))
                throw new ModelFileException($"{source} has no '{parameter.Name}', which the network needs ({parameter.Shape}).");
            if (!array.Shape.AsSpan().SequenceEqual(parameter.Shape.ToArray()))
                throw new ModelFileException($"{source}: '{parameter.Name}' is {string.Join('x', array.Shape)}, the network needs {parameter.Shape}.");
            ordered.Add(array);
        }
        // PyTorch counts batches in a scalar that nothing here reads.
        foreach (string name in byName.Keys.Where(n => n.EndsWith(".num_batches_tracked", StringComparison.Ordinal)).ToList()) byName.Remove(name);
        if (byName.Count > 0) throw new ModelFileException($"{source} has '{byName.Keys.First()}', which belongs to no layer of the network.");
        return new Weights(ordered);
    }

    private static float[] Start(Parameter parameter, ulong seed, float gain)
    {
        var values = new float[parameter.Shape.Count];
        if (parameter.Initialization == Initialization.Ones) values.AsSpan().Fill(1);
        if (parameter.Initialization == Initialization.He)
        {
            var random = new RandomSequence(seed, StableHash.Of(parameter.Name));
            float bound = gain * MathF.Sqrt(6f / parameter.FanIn);
            for (int i = 0; i < values.Length; i++) values[i] = bound * (2 * random.NextFloat() - 1);
        }
        return values;
    }
}

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

    /// <summary>
    /// Checks that there are finite values of the right shape for each parameter, and no others, and puts them into the network's order. What PyTorch puts before all names
    /// (<c>module.</c>, <c>_orig_mod.</c>, <c>model.</c>) is taken off.
    /// </summary>
    /// <param name="network">The network.</param>
    /// <param name="arrays">Named values in any order.</param>
    /// <param name="source">Where they come from, for the message.</param>
    /// <param name="reading">Whether others may be there, and are left out; null: they may not, and the message names no option that would.</param>
    /// <exception cref="ModelFileException">A parameter is missing, has another shape, holds NaN or an infinity, or belongs to no layer.</exception>
    public static Weights Match(Network network, IReadOnlyList<NamedArray> arrays, string source, ModelReading? reading = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        HashSet<string> needed = [.. network.Parameters.Select(p => p.Name)];
        string prefix = WeightNames.Prefix([.. arrays.Select(a => a.Name)], needed.Contains);
        var byName = arrays.ToDictionary(a => a.Name[prefix.Length..]);
        var ordered = new List<NamedArray>();
        foreach (Parameter parameter in network.Parameters)
        {
            if (!byName.TryGetValue(parameter.Name, out NamedArray? array))
            {
                throw new ModelFileException($"{source} has no '{parameter.Name}', which the network needs ({parameter.Shape}). "
                    + $"It has {WeightNames.List([.. arrays.Select(a => a.Name)])}; the network needs {WeightNames.List(needed)}.");
            }
            if (!array.Shape.AsSpan().SequenceEqual(parameter.Shape.ToArray()))
                throw new ModelFileException($"{source}: '{array.Name}' is {string.Join('x', array.Shape)}, the network needs {parameter.Shape}.");
            RequireFinite(array, source);
            ordered.Add(array with { Name = parameter.Name });
        }
        // PyTorch counts batches in a scalar that nothing here reads.
        string[] extra = [.. byName.Where(pair => !needed.Contains(pair.Key) && !pair.Key.EndsWith(".num_batches_tracked", StringComparison.Ordinal)).Select(pair => pair.Value.Name)];
        if (extra.Length > 0 && reading is not { AllowExtra: true })
        {
            (string belong, string them) = extra.Length == 1 ? ("belongs", "it") : ("belong", "them");
            throw new ModelFileException($"{source} has {WeightNames.List(extra, "'")}, which {belong} to no layer of the network.{(reading is null ? "" : $" --allow-extra leaves {them} out.")}");
        }
        return new Weights(ordered);
    }

    /// <summary>Requires that a parameter holds numbers only.</summary>
    /// <exception cref="ModelFileException">It holds NaN or an infinity.</exception>
    internal static void RequireFinite(NamedArray array, string source)
    {
        int at = Array.FindIndex(array.Values, v => !float.IsFinite(v));
        if (at >= 0) throw new ModelFileException($"{source}: element {at} of '{SafetensorsHeader.Printable(array.Name)}' is {(float.IsNaN(array.Values[at]) ? "NaN" : "infinite")}. The training that made it diverged, or the file is damaged: take an earlier one.");
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

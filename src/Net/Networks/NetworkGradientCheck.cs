using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// <see cref="GradientCheck"/> for a network, and so for a layer of your own: the gradients that its plans compute to every parameter and to the input, against central differences. A network of one or two layers
/// is best: behind many ReLUs and maxima hardly an output is free of kinks, which is then said.
/// </summary>
public static class NetworkGradientCheck
{
    /// <summary>Checks a network with random weights on random inputs.</summary>
    /// <param name="device">The device.</param>
    /// <param name="network">The network.</param>
    /// <param name="batch">Images of a pass.</param>
    /// <param name="options">Step, number of projections, seed.</param>
    /// <returns>A result for each trainable parameter, with training's statistics, then one for the input, with those of inference.</returns>
    /// <exception cref="ArgumentException">The network drops elements at random.</exception>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public static IReadOnlyList<GradientCheckResult> Run(Device device, Network network, int batch = 3, GradientCheckOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(network);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        options ??= new GradientCheckOptions();
        if (network.Nodes.Any(n => n.Layer.IsRandom)) throw new ArgumentException("Dropout has gradients, but no derivative that differences could show: leave it out of the network.", nameof(network));
        using var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, network, withGradients: true);
        Weights weights = Random(network, options.Seed);
        parameters.Load(weights);
        // Layer by layer, as nothing may be left out of what is checked.
        var train = new Plan(arena, parameters, batch, PlanPurpose.Train, layerByLayer: true);
        var infer = new Plan(arena, parameters, batch, PlanPurpose.InputGradient, layerByLayer: true);
        float[] input = Values(train.Input.Count, options.Seed, 0);
        Parameter[] trainable = [.. network.Parameters.Where(p => p.IsTrainable)];

        var results = new List<GradientCheckResult>();
        if (trainable.Length > 0)
        {
            NamedValues[] start = [.. trainable.Select(p => new NamedValues(p.Name, weights.Arrays.Single(a => a.Name == p.Name).Values))];
            results.AddRange(GradientCheck.Run(start, values => Forward(train, values, input), ParameterGradients, options));
        }
        parameters.Load(weights);
        results.AddRange(GradientCheck.Run([new NamedValues("input", input)], values => Forward(infer, [], values[0]), InputGradient, options));
        return results;

        float[] Forward(Plan plan, IReadOnlyList<float[]> values, float[] images)
        {
            // Running statistics move with each pass: all start alike.
            parameters.Load(weights);
            for (int i = 0; i < values.Count; i++) parameters.Value(trainable[i].Name).CopyFrom(values[i]);
            plan.Input.CopyFrom(images);
            plan.Forward(batch, toScores: true);
            return plan.Scores.ToArray();
        }

        IReadOnlyList<float[]?> ParameterGradients(IReadOnlyList<float[]> values, float[] scores)
        {
            Forward(train, values, input);
            train.ScoresGradient.CopyFrom(scores);
            train.Backward(batch);
            return [.. trainable.Select(p => parameters.Gradient(p.Name).ToArray())];
        }

        IReadOnlyList<float[]?> InputGradient(IReadOnlyList<float[]> values, float[] scores)
        {
            Forward(infer, [], values[0]);
            infer.ScoresGradient.CopyFrom(scores);
            infer.Backward(batch);
            return [infer.InputGradient!.Value.ToArray()];
        }
    }

    // Zeros and ones, as biases and scales start, would hide what depends on them; variances stay positive.
    private static Weights Random(Network network, int seed)
    {
        Weights initial = Weights.Initial(network, (ulong)seed);
        return new Weights([.. initial.Arrays.Zip(network.Parameters, (a, p) => p.Initialization == Initialization.He ? a : a with { Values = [.. a.Values.Zip(Values(a.Values.Length, seed, StableHash.Of(p.Name)), (v, r) => v + 0.25f * Math.Clamp(r, -2, 2))] })]);
    }

    private static float[] Values(int count, int seed, ulong stream)
    {
        var random = new RandomSequence((ulong)seed, stream);
        var values = new float[count];
        // The sum of twelve even numbers less six is normal enough.
        for (int i = 0; i < count; i++) values[i] = Enumerable.Range(0, 12).Sum(_ => random.NextFloat()) - 6;
        return values;
    }
}

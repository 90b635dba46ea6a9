namespace GpuConv.Kernels;

/// <summary>How <see cref="GradientCheck"/> looks.</summary>
public sealed record GradientCheckOptions
{
    /// <summary>
    /// The step h of the central difference, for inputs of about 1, and the share of their size by which outputs may move at most: where they would move further, it is halved until they do not. The rounding of float32
    /// counts by 1 / h, the curvature by h^2; 1/64 is near where both are alike. Take a smaller one where many outputs have kinks.
    /// </summary>
    public double Step { get; init; } = 1.0 / 64;

    /// <summary>Directions for each input, each with its own weights of the outputs. An error that one direction hides by chance, the others show.</summary>
    public int Projections { get; init; } = 4;

    /// <summary>The terms of the longest sum that a single output or gradient is made of: rounding grows with its square root.</summary>
    public double Terms { get; init; } = 1024;

    /// <summary>The seed of directions, weights and values.</summary>
    public int Seed { get; init; } = 1;
}

/// <summary>An input of what is checked.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Values">Its values.</param>
public sealed record NamedValues(string Name, float[] Values);

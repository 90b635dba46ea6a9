using System.Globalization;

namespace GpuConv.Kernels;

/// <summary>How far the gradient to an input is from central differences, along one projection.</summary>
/// <param name="Input">The input's name.</param>
/// <param name="Numeric">The derivative by central differences.</param>
/// <param name="Analytic">The derivative by the gradient.</param>
/// <param name="Tolerance">What rounding and curvature explain of their difference.</param>
/// <param name="Scale">The size that such a derivative has: the larger of the Euclidean lengths of the gradient and of the outputs' slopes along the direction.</param>
/// <param name="Kinks">Outputs that were left out, as they have no derivative along the direction.</param>
/// <param name="Outputs">All outputs.</param>
/// <param name="IsConclusive">Whether the tolerance is small enough, and outputs enough are left, to show anything.</param>
public sealed record GradientCheckResult(string Input, double Numeric, double Analytic, double Tolerance, double Scale, int Kinks, int Outputs, bool IsConclusive)
{
    /// <summary>The difference between the two derivatives.</summary>
    public double Error => Math.Abs(Numeric - Analytic);

    /// <summary>Whether the gradient is right as far as this can be seen, and it can be seen. NaN is wrong.</summary>
    public bool Passed => IsConclusive && Error <= Tolerance;

    internal double Excess => IsConclusive ? Error / Tolerance : double.PositiveInfinity;

    /// <summary>A line with the numbers.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Input}: {(Passed ? "right" : IsConclusive ? "WRONG" : "INCONCLUSIVE")}, gradient {Analytic:g7}, central difference {Numeric:g7}, error {Error:g2} of {Tolerance:g2} allowed{(Kinks > 0 ? $", {Kinks} of {Outputs} outputs have a kink" : "")}");
}

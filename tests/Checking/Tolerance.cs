namespace GpuConv.Tests;

/// <summary>
/// How far a float32 result may be from the float64 reference, with the reason for each.
/// A float32 operation rounds by at most u = 2^-24 = 6e-8 relative to its result. A sum of n products, in any order, is off by at
/// most about n u times the sum of the absolute products (Higham, Accuracy and Stability of Numerical Algorithms, 3.1); for random
/// signs by about sqrt(n) u. With inputs of order one we allow <c>4 sqrt(n) u</c> absolute per unit of the products' typical size,
/// never less than 8 u.
/// </summary>
public readonly record struct Tolerance(double Absolute, double Relative)
{
    /// <summary>The unit roundoff of float32.</summary>
    public const double U = 1.0 / (1 << 24);

    /// <summary>One rounding, or a selection: results must be exact up to the last bit.</summary>
    public static Tolerance Elementwise => new(2 * U, 2 * U);

    /// <summary>Exponential, logarithm and what is made of them: polynomials good to a few units in the last place.</summary>
    public static Tolerance Transcendental => new(16 * U, 32 * U);

    /// <summary>A sum of <paramref name="length"/> products of standard-normal values.</summary>
    public static Tolerance Sum(long length) => new(8 * U * Math.Sqrt(length + 4.0), 8 * U);

    /// <summary>
    /// A sum of <paramref name="length"/> products of standard-normal values, one after the other. The partial sums grow as sqrt(i), and
    /// each is rounded, which makes about 0.3 n u (one standard deviation); the largest of many elements may be six times that off.
    /// </summary>
    public static Tolerance OrderedSum(long length) => new(U * (8 * Math.Sqrt(length + 4.0) + 2.0 * length), 8 * U);

    /// <summary>
    /// A sum of products of standard-normal values as a device computes it. TF32 keeps eleven significant bits, so each factor is off by at most 2^-11 of
    /// itself and each product by 2^-10: a sum is off by at most 2^-10 times the sum of the absolute products, and what float32 adds. Errors have random signs,
    /// so that those of n products make about sqrt(n) 0.4 2^-10 (one standard deviation: two factors, each uniformly off); five times that covers the largest of
    /// many elements. A tensor core cuts sums off where float32 rounds, which <see cref="OrderedSum"/> has room for.
    /// </summary>
    public static Tolerance Product(Kernels.Device device, long length)
    {
        Tolerance sum = OrderedSum(length);
        return device.MathMode == Kernels.MathMode.Tf32 ? new(sum.Absolute + Tf32 * 2 * Math.Sqrt(length + 4.0), sum.Relative + Tf32) : sum;
    }

    // The relative error of a product of two numbers rounded to TF32.
    private const double Tf32 = 1.0 / (1 << 10);
}

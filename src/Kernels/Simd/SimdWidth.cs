using System.Globalization;
using System.Runtime.Intrinsics;

namespace GpuConv.Kernels;

/// <summary>
/// The widths, in bits, that CPU kernels can be compiled for: 512, 256, 128, and 0 for plain floats. A device takes the widest that the
/// processor has. Another one can be forced, to compare them on one machine: what the processor lacks, .NET does in software,
/// slowly and with the same bits.
/// </summary>
internal static class SimdWidth
{
    /// <summary>The environment variable that forces a width.</summary>
    public const string Variable = "GPUCONV_SIMD";

    /// <summary>All widths, the widest first.</summary>
    public static IReadOnlyList<int> All { get; } = [512, 256, 128, 0];

    /// <summary>The widest that the processor has.</summary>
    public static int OfProcessor =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;

    /// <summary>The processor's width, or the one that <see cref="Variable"/> forces.</summary>
    /// <exception cref="DeviceException">The variable holds no width.</exception>
    public static int Choose()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } forced) return OfProcessor;
        if (int.TryParse(forced, CultureInfo.InvariantCulture, out int bits) && All.Contains(bits)) return bits;
        throw new DeviceException($"{Variable} is '{forced}': the widths of vectors are {string.Join(", ", All)} bits. Unset it to take the processor's.") { IsUnknownDevice = true };
    }

    /// <summary>The floats of a vector: 16, 8 or 4, and 4 without vectors.</summary>
    public static int Floats(int bits) => Math.Max(bits / 32, SimdScalar.Count);
}

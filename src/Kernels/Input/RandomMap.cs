using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>
/// The map of each image: where in the image that is read a pixel of the distorted one lies. All numbers are hashes of the
/// image's index, so that any thread has them for itself; or they are at their bounds for all images alike.
/// </summary>
internal readonly struct RandomMap
{
    /// <summary>Nodes of the elastic grid in each direction; the outer ones lie on the image's first and last rows and columns.</summary>
    public const int Nodes = 5;

    // The first numbers of an image make its affine map, those from FirstNode on its grid: all below Numbers.
    private const int Numbers = 64, FirstNode = 8;

    private readonly uint first, second;
    private readonly int isRandom;
    private readonly float halfTangent, scale, shear, down, right, elastic;

    /// <summary>A random map for each image.</summary>
    public RandomMap(DistortionOptions options, ulong seed)
    {
        (first, second) = CounterHash.Key(seed, 0);
        isRandom = 1;
        (halfTangent, scale, shear, down, right, elastic) = (HalfTangent(options.Rotation), options.Scale, options.Shear, options.Shift, options.Shift, options.Elastic);
    }

    /// <summary>The same map for all images.</summary>
    public RandomMap(ImageMove move) => (halfTangent, down, right) = (HalfTangent(move.Rotation), move.Down, move.Right);

    /// <summary>The affine part for an image of this size, as the distorted image's pixels are mapped to the one that is read.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public AffineMap Affine(int image, int height, int width)
    {
        // By the tangent of half the angle: no sine, whose bits differ by device, and exactly (1, 0) at 0.
        float t = halfTangent * Number(image, 0), share = 1 / (1 + t * t), cosine = (1 - t * t) * share, sine = 2 * t * share;
        float byHeight = 1 + scale * Number(image, 1), byWidth = 1 + scale * Number(image, 2), slant = shear * Number(image, 3);
        return new AffineMap(
            cosine * byHeight,
            sine * byHeight,
            -(sine + slant * cosine) * byWidth,
            (cosine - slant * sine) * byWidth,
            0.5f * (height - 1),
            0.5f * (width - 1),
            down * Number(image, 4),
            right * Number(image, 5));
    }

    /// <summary>The displacement at a node down (axis 0) or to the right (axis 1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Displacement(int image, int node, int axis) => elastic * Number(image, FirstNode + 2 * node + axis);

    /// <summary>Cells of the grid for each pixel along a side.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float CellsPerPixel(int side) => side > 1 ? (Nodes - 1f) / (side - 1) : 0;

    private static float HalfTangent(float degrees) => MathF.Tan(degrees * (MathF.PI / 360));

    // From -1 to 1, a multiple of 2^-23, so that it is exact.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Number(int image, int number) => isRandom == 0 ? 1f : ((int)CounterHash.Bits((uint)image * Numbers + (uint)number, first, second) >> 8) * (1f / (1 << 23));
}

/// <summary>A linear map about an image's middle and a shift: the row and column that are read for a row and column that are written.</summary>
internal readonly struct AffineMap(float rowByRow, float rowByColumn, float columnByRow, float columnByColumn, float middleRow, float middleColumn, float down, float right)
{
    public readonly float RowByRow = rowByRow, RowByColumn = rowByColumn, ColumnByRow = columnByRow, ColumnByColumn = columnByColumn;

    /// <summary>What is read for row 0 and column 0.</summary>
    public readonly float FirstRow = middleRow - rowByRow * (middleRow + down) - rowByColumn * (middleColumn + right);

    public readonly float FirstColumn = middleColumn - columnByRow * (middleRow + down) - columnByColumn * (middleColumn + right);
}

using System.Runtime.CompilerServices;

namespace GpuConv.Kernels;

/// <summary>The four results of a 2 x 2 window, row by row: of a convolution, or the gradients to them.</summary>
internal struct Window2x2
{
    /// <summary>The number of a window that passes no gradient: ReLU cut its maximum off.</summary>
    public const byte NoWinner = 4;

    public float V0, V1, V2, V3;

    /// <summary>The convolution's results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Window2x2 Convolve(Patch4x4 patch, Taps3x3 w)
    {
        Window2x2 y;
        y.V0 = w.Dot(patch.TopLeft);
        y.V1 = w.Dot(patch.TopRight);
        y.V2 = w.Dot(patch.BottomLeft);
        y.V3 = w.Dot(patch.BottomRight);
        return y;
    }

    /// <summary>Adds the gradient to the kernel that these gradients to the results give.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void AddGradient(Patch4x4 patch, ref Taps3x3 dw)
    {
        dw.Add(V0, patch.TopLeft);
        dw.Add(V1, patch.TopRight);
        dw.Add(V2, patch.BottomLeft);
        dw.Add(V3, patch.BottomRight);
    }

    /// <summary>The gradient to the results where one of them won, or none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Window2x2 Of(float gradient, int winner)
    {
        Window2x2 d;
        d.V0 = winner == 0 ? gradient : 0;
        d.V1 = winner == 1 ? gradient : 0;
        d.V2 = winner == 2 ? gradient : 0;
        d.V3 = winner == 3 ? gradient : 0;
        return d;
    }

    /// <summary>(v - mean) factor + shift of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Window2x2 Affine(float mean, float factor, float shift)
    {
        Window2x2 y;
        y.V0 = (V0 - mean) * factor + shift;
        y.V1 = (V1 - mean) * factor + shift;
        y.V2 = (V2 - mean) * factor + shift;
        y.V3 = (V3 - mean) * factor + shift;
        return y;
    }

    /// <summary>v + bias of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Window2x2 Plus(float bias)
    {
        Window2x2 y;
        y.V0 = V0 + bias;
        y.V1 = V1 + bias;
        y.V2 = V2 + bias;
        y.V3 = V3 + bias;
        return y;
    }

    /// <summary>The sum of (v - mean)^2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float Squares(float mean)
    {
        float d0 = V0 - mean, d1 = V1 - mean, d2 = V2 - mean, d3 = V3 - mean;
        return d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3);
    }

    /// <summary>The gradient to results z, given that to the normalised ones: factor (d - shift - (z - mean) slope) of each.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Window2x2 ThroughNormalization(Window2x2 d, Window2x2 z, float mean, float factor, float shift, float slope)
    {
        d.V0 = factor * (d.V0 - shift - (z.V0 - mean) * slope);
        d.V1 = factor * (d.V1 - shift - (z.V1 - mean) * slope);
        d.V2 = factor * (d.V2 - shift - (z.V2 - mean) * slope);
        d.V3 = factor * (d.V3 - shift - (z.V3 - mean) * slope);
        return d;
    }

    /// <summary>The sum of all four.</summary>
    public readonly float Sum => V0 + V1 + (V2 + V3);

    /// <summary>The value of a number from 0 to 3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float At(int number) => number == 0 ? V0 : number == 1 ? V1 : number == 2 ? V2 : V3;

    /// <summary>max(0, largest), and the number of the largest: the first of equal ones, the last NaN; <see cref="NoWinner"/> where the result is not above zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly float ReluMax(out int winner)
    {
        float max = V0;
        int number = 0;
        if (V1 > max || float.IsNaN(V1)) { max = V1; number = 1; }
        if (V2 > max || float.IsNaN(V2)) { max = V2; number = 2; }
        if (V3 > max || float.IsNaN(V3)) { max = V3; number = 3; }
        winner = max > 0 ? number : NoWinner;
        return max < 0 ? 0 : max;
    }
}

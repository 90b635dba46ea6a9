namespace GpuConv.Kernels;

/// <summary>A turn of an image about its middle and a shift, for <see cref="Distortion"/> to do to all images alike. The default leaves them as they are.</summary>
/// <param name="Rotation">Degrees anticlockwise, between -180 and 180.</param>
/// <param name="Down">Pixels downwards, with fractions.</param>
/// <param name="Right">Pixels to the right, with fractions.</param>
public readonly record struct ImageMove(float Rotation, float Down, float Right)
{
    /// <summary>Checks the numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    public void Validate()
    {
        Within(Rotation, 180, nameof(Rotation));
        Within(Down, short.MaxValue, nameof(Down));
        Within(Right, short.MaxValue, nameof(Right));
    }

    private static void Within(float value, float bound, string name)
    {
        if (!(MathF.Abs(value) < bound)) throw new ArgumentOutOfRangeException(name, value, $"{name} is between -{bound} and {bound}.");
    }
}

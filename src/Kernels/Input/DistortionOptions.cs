namespace GpuConv.Kernels;

/// <summary>
/// How far <see cref="Distortion"/> changes an image at most: each number is the bound of a random one, drawn evenly on both sides of
/// zero. With all of them 0 an image stays as it is.
/// </summary>
public sealed record DistortionOptions
{
    /// <summary>Rotation about the middle of the image, in degrees, below 180.</summary>
    public float Rotation { get; init; }

    /// <summary>Change of height and of width, each for itself, as a share below 1: the factor is 1 / (1 + u) with u within the share.</summary>
    public float Scale { get; init; }

    /// <summary>Columns to the right for each row down from the middle.</summary>
    public float Shear { get; init; }

    /// <summary>Shift down and to the right, in pixels, with fractions.</summary>
    public float Shift { get; init; }

    /// <summary>Elastic displacement of each node of the grid down and to the right, in pixels.</summary>
    public float Elastic { get; init; }

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is out of its range; the message names it.</exception>
    public void Validate()
    {
        Within(Rotation, 180, nameof(Rotation));
        Within(Scale, 1, nameof(Scale));
        Within(Shear, 100, nameof(Shear));
        Within(Shift, short.MaxValue, nameof(Shift));
        Within(Elastic, short.MaxValue, nameof(Elastic));
    }

    private static void Within(float value, float bound, string name)
    {
        if (!(value >= 0 && value < bound)) throw new ArgumentOutOfRangeException(name, value, $"{name} is from 0 up to, not including, {bound}.");
    }
}

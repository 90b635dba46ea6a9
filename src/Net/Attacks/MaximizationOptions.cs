using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>How images are changed so that a class's objective grows.</summary>
public sealed record MaximizationOptions
{
    /// <summary>What is climbed; the cross-entropy is descended.</summary>
    public ObjectiveKind Objective { get; init; } = ObjectiveKind.Logit;

    /// <summary>The number of steps.</summary>
    public int Steps { get; init; } = 500;

    /// <summary>How far a step goes along the gradient, on images of 0 to 1.</summary>
    public float Rate { get; init; } = 0.01f;

    /// <summary>Whether pixels stay in 0..1.</summary>
    public bool Clip { get; init; } = true;

    /// <summary>The weight of the images' total variation, which is made small at once: 0 for none (<see cref="GradientStep"/>).</summary>
    public float Variation { get; init; }

    /// <summary>The standard deviation in pixels of a Gaussian that blurs the images every <see cref="BlurEvery"/> steps; 0: none.</summary>
    public float Blur { get; init; }

    /// <summary>The steps from one blur to the next.</summary>
    public int BlurEvery { get; init; } = 4;

    /// <summary>The pixels by which images are moved at most, in either direction, before each gradient and back after it; 0: not.</summary>
    public int Jitter { get; init; }

    /// <summary>The seed of the jitter.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Save the images every so many steps, the first and last always; 0: only these.</summary>
    public int SaveEvery { get; init; }
}

/// <summary>What became of images whose class's objective was made to grow.</summary>
/// <param name="Classes">The number of classes.</param>
/// <param name="Scores">The scores before each step and after the last: (steps + 1, image, class).</param>
/// <param name="Saved">The images that were saved, 0 to 1, image after image, in the order of their steps.</param>
public sealed record MaximizationPath(int Classes, float[] Scores, IReadOnlyList<(int Step, float[] Pixels)> Saved)
{
    /// <summary>The number of images.</summary>
    public int Count { get; init; }

    /// <summary>The scores of an image before a step; after the last for the number of steps.</summary>
    /// <param name="step">The step, from 0.</param>
    /// <param name="image">The image, from 0.</param>
    public ReadOnlySpan<float> ScoresAt(int step, int image) => Scores.AsSpan((step * Count + image) * Classes, Classes);
}

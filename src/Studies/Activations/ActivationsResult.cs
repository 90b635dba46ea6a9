using System.Text.Json.Serialization;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What was asked for.</summary>
internal sealed record ActivationsOptions
{
    /// <summary>The statistics are over the first so many test images; 0: over all.</summary>
    public int Limit { get; init; }

    /// <summary>How best inputs are looked for.</summary>
    public BestInputOptions BestInput { get; init; } = new();
}

/// <summary>How the input that excites a channel most is looked for: see <see cref="BestInputs"/>.</summary>
internal sealed record BestInputOptions
{
    public int Steps { get; init; } = 128;

    /// <summary>From so many starts the ascent begins; the input that excites the channel most is kept.</summary>
    public int Starts { get; init; } = 4;

    /// <summary>Weight of the squared distance from the training images' mean brightness. With 1 the pixel with the largest gradient comes to rest a whole range of brightness from it.</summary>
    public float L2 { get; init; } = 0.1f;

    /// <summary>Weight of the difference from the blurred image, by the same measure.</summary>
    public float Blur { get; init; } = 0.3f;

    /// <summary>Before each step the image is moved by up to so many pixels; null: by an eighth of what a unit sees, rounded down.</summary>
    public int? Jitter { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>The same without what keeps the image from being any.</summary>
    [JsonIgnore]
    public BestInputOptions WithoutRegularisers => this with { L2 = 0, Blur = 0, Jitter = 0 };
}

/// <summary>The study in numbers: <c>activations.json</c>.</summary>
/// <param name="Images">The number of test images that statistics are over.</param>
/// <param name="BestInput">How best inputs were looked for.</param>
/// <param name="Stages">The channels of every layer that gives maps.</param>
/// <param name="Layers">What the channels of every convolution stand for.</param>
internal sealed record ActivationsResult(int Images, BestInputOptions BestInput, IReadOnlyList<StageFigures> Stages, IReadOnlyList<ChannelLayer> Layers);

/// <summary>A layer that gives maps, over the test images.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Height">Rows of a map.</param>
/// <param name="Width">Columns of a map.</param>
/// <param name="Channels">Its channels.</param>
internal sealed record StageFigures(string Name, int Height, int Width, IReadOnlyList<ChannelFigures> Channels);

/// <summary>A channel of a layer, over the test images.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Maximum">Its largest value.</param>
/// <param name="Mean">The mean of its values.</param>
/// <param name="ActiveImages">The share of images in which some value is above zero.</param>
/// <param name="ActivePositions">The share of all values that are above zero.</param>
/// <param name="Dead">Whether the ReLU that it comes from, or goes through, never lets anything of it pass; false where there is none.</param>
internal sealed record ChannelFigures(int Index, float Maximum, double Mean, double ActiveImages, double ActivePositions, bool Dead);

/// <summary>A convolution's channels, by their values before the activation function.</summary>
/// <param name="Name">The convolution's name.</param>
/// <param name="Measured">The layer whose values are followed: the convolution, or its batch normalisation.</param>
/// <param name="FieldHeight">Rows of the image that a unit sees.</param>
/// <param name="FieldWidth">Columns of the image that a unit sees.</param>
/// <param name="Jitter">The pixels by which images were moved while best inputs were looked for.</param>
/// <param name="Channels">Its channels.</param>
internal sealed record ChannelLayer(string Name, string Measured, int FieldHeight, int FieldWidth, int Jitter, IReadOnlyList<ChannelPortrait> Channels)
{
    /// <summary>What the unit in the middle of a map sees, for which best inputs are made.</summary>
    [JsonIgnore]
    public ImageRegion Middle { get; init; }

    /// <summary>Live channels that a best input excites more than any test image does: the one that is shown, and the one found without regularisers.</summary>
    public int Above => Channels.Count(c => !c.Dead && c.BestInput > c.Strongest[0].Value);

    public int AboveUnregularised => Channels.Count(c => !c.Dead && c.Unregularised > c.Strongest[0].Value);

    /// <summary>Live channels that some test image excites to the bit as much as the input found without regularisers: it shows that very patch.</summary>
    public int LevelUnregularised => Channels.Count(c => !c.Dead && c.Unregularised == c.Strongest[0].Value);
}

/// <summary>What a channel stands for.</summary>
/// <param name="Index">Its number.</param>
/// <param name="Dead">Whether it is never active after the ReLU.</param>
/// <param name="BestInput">The activation of the unit in the middle by its best input.</param>
/// <param name="Unregularised">The same without regularisers: within the limits of brightness alone.</param>
/// <param name="Strongest">The test images that drive it most, largest first; of equal ones the first.</param>
internal sealed record ChannelPortrait(int Index, bool Dead, float BestInput, float Unregularised, IReadOnlyList<StrongImage> Strongest)
{
    /// <summary>The best input, 0 to 255, channel after channel.</summary>
    [JsonIgnore]
    public float[] Pixels { get; init; } = [];
}

/// <summary>Where an image drives a channel most.</summary>
/// <param name="Image">Its number among the test images.</param>
/// <param name="Label">Its class.</param>
/// <param name="Row">The unit's row in the map.</param>
/// <param name="Column">Its column.</param>
/// <param name="Value">Its activation.</param>
/// <param name="Top">The first row of the image that it sees; negative where that is padding.</param>
/// <param name="Left">The first column that it sees.</param>
internal sealed record StrongImage(int Image, int Label, int Row, int Column, float Value, int Top, int Left);

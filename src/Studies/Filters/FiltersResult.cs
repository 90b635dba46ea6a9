using System.Text.Json.Serialization;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The study in numbers: <c>filters.json</c>.</summary>
/// <param name="Layers">The convolutions.</param>
/// <param name="Stages">The images' energy by frequency, from the input on.</param>
/// <param name="Images">The number of images that the energies are means over.</param>
/// <param name="Claims">What the report says, judged.</param>
/// <param name="Nulls">What they are judged by: the first two convolutions beside untrained ones.</param>
internal sealed record FiltersResult(IReadOnlyList<FilterLayer> Layers, IReadOnlyList<StageEnergy> Stages, int Images, IReadOnlyList<Claim> Claims, IReadOnlyList<FilterNull> Nulls);

/// <summary>A convolution.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Shares">The share of its filters of each kind.</param>
/// <param name="Filters">Its filters in the order that was asked for.</param>
internal sealed record FilterLayer(string Name, KindShares Shares, IReadOnlyList<FilterFigures> Filters)
{
    /// <summary>Channels that a filter reads, rows and columns of its kernels.</summary>
    [JsonIgnore]
    public (int Channels, int Height, int Width) Kernel { get; init; }
}

internal sealed record KindShares(double LowPass, double BandPass, double HighPass);

/// <summary>A filter.</summary>
/// <param name="Index">Its number in the layer.</param>
/// <param name="GainZero">Its gain at frequency zero.</param>
/// <param name="GainHigh">Its gain at the highest frequency.</param>
/// <param name="Kind">low-pass, band-pass or high-pass: the band with the largest gain.</param>
/// <param name="OrientationDegrees">The direction across which it sees change.</param>
/// <param name="Coherence">How clear that direction is, 0 to 1.</param>
/// <param name="Energy">The sum of its squared weights.</param>
internal sealed record FilterFigures(int Index, double GainZero, double GainHigh, string Kind, double OrientationDegrees, double Coherence, double Energy)
{
    [JsonIgnore]
    public float[] Weights { get; init; } = [];

    [JsonIgnore]
    public FrequencyResponse? Response { get; init; }
}

/// <summary>Energy by frequency at one place of the network.</summary>
/// <param name="Stage">The layer whose output it is; <c>input</c>.</param>
/// <param name="Energy">The mean squared value over all images, channels and pixels.</param>
/// <param name="EvenShare">The share of it at frequency zero.</param>
/// <param name="Rings">How the rest is shared out: shares of rings, ring r of n around r / n of the highest frequency along an axis; the last has the corners too.</param>
/// <param name="MeanFrequency">The mean frequency of the rest, as a share of the highest along an axis.</param>
internal sealed record StageEnergy(string Stage, double Energy, double EvenShare, IReadOnlyList<double> Rings, double MeanFrequency);

/// <summary>A convolution, trained and in networks of the same layers with untrained weights.</summary>
/// <param name="Layer">Its name.</param>
/// <param name="Filters">Its filters.</param>
/// <param name="Shares">The share of them of each kind.</param>
/// <param name="UntrainedShares">The same over the filters of all untrained networks.</param>
/// <param name="Seeds">How many these are.</param>
/// <param name="Change">What it does to the frequencies; null: its maps, or those it reads, are too small to have any away from the border.</param>
/// <param name="UntrainedChanges">What it does to the mean frequency in each untrained network, as a share of it.</param>
internal sealed record FilterNull(string Layer, int Filters, KindShares Shares, KindShares UntrainedShares, int Seeds, FrequencyChange? Change, IReadOnlyList<double> UntrainedChanges);

/// <summary>What a convolution does to the mean frequency of what varies, away from the border.</summary>
/// <param name="Before">The layer that it reads.</param>
/// <param name="Images">The number of images that the frequencies are means over.</param>
/// <param name="Region">The part of its output that no padding reaches; of what it reads, the part under it is taken.</param>
/// <param name="FrequencyBefore">The mean frequency of what it reads, as a share of the highest along an axis.</param>
/// <param name="FrequencyAfter">That of its output.</param>
internal sealed record FrequencyChange(string Before, int Images, ImageRegion Region, double FrequencyBefore, double FrequencyAfter)
{
    /// <summary>By which share of it the mean frequency changes.</summary>
    [JsonIgnore]
    public double Relative => FrequencyAfter / FrequencyBefore - 1;
}

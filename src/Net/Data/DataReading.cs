namespace GpuConv.Net;

/// <summary>How <see cref="DataSet.Load"/> reads a data set.</summary>
public sealed record DataReading
{
    /// <summary>Decodes picture files; null: folders of pictures are refused.</summary>
    public ImageDecoder? Decode { get; init; }

    /// <summary>The height and width that pictures are scaled to; null: they must be of one size.</summary>
    public (int Height, int Width)? Size { get; init; }

    /// <summary>Whether rows and columns of each image are exchanged; null: where the files are EMNIST's, which stores them so.</summary>
    public bool? Transpose { get; init; }
}

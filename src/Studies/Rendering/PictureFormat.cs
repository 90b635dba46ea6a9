namespace GpuConv.Studies;

/// <summary>How pictures are written.</summary>
internal enum PictureFormat
{
    /// <summary>Pixels, two for each unit.</summary>
    Png,

    /// <summary>Vectors, for web pages and editors.</summary>
    Svg,

    /// <summary>Vectors, one page of the picture's size, for papers.</summary>
    Pdf,
}

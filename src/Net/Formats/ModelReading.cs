namespace GpuConv.Net;

/// <summary>How a model's file is read, where that is not plain: what it may lack, and what it may have too many.</summary>
public sealed record ModelReading
{
    /// <summary>
    /// Says what a file of another program's making leaves out: one whose metadata have no network, as PyTorch writes it. Asked only then; null: such a file is refused.
    /// Its mean and deviation give way to those of the file's metadata, if it has them.
    /// </summary>
    public Func<ModelContext>? Context { get; init; }

    /// <summary>Whether weights that an ONNX file keeps in other files in its folder are read; otherwise such a file is refused.</summary>
    public bool ExternalData { get; init; }

    /// <summary>Whether tensors that belong to no layer of the network are left out; otherwise a file with such is refused.</summary>
    public bool AllowExtra { get; init; }
}

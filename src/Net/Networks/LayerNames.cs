namespace GpuConv.Net;

/// <summary>The names that layers have where none is given: their kind with a number, counted over all layers of the kind, named ones too.</summary>
internal sealed class LayerNames
{
    private readonly Dictionary<string, int> numbers = [];

    /// <summary>The name of the next layer in order.</summary>
    public string Next(ILayer layer) => $"{layer.NamePrefix}{numbers[layer.NamePrefix] = numbers.GetValueOrDefault(layer.NamePrefix) + 1}";

    /// <summary>Why a name cannot be a layer's: it could not stand in a network's text; null where it can.</summary>
    public static string? Fault(string name) =>
        name.Length == 0 ? "is empty"
        : name == NetworkText.Input ? "is the network's input"
        : name.EndsWith(':') ? "ends with a colon"
        : name.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '#' or ';') ? "has a space, '#', ';' or a control character in it"
        : null;
}

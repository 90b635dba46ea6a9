using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Networks that have learnt nothing: what a claim of a trained one is held against.</summary>
internal static class Untrained
{
    /// <summary>How many there are where their spread counts, with the seeds from 1 on.</summary>
    public const int Seeds = 10;

    /// <summary>A model's network with initial weights.</summary>
    public static Model Of(Model model, ulong seed) => model with { Weights = Weights.Initial(model.Network, seed) };
}

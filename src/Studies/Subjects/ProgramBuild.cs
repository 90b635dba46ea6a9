using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>Which build of the program this is, so that no other build's results are taken for this one's.</summary>
internal static class ProgramBuild
{
    /// <summary>The identities of its assemblies, which a deterministic compiler makes of their sources.</summary>
    public static string Id { get; } = string.Join(' ', ((Type[])[typeof(Device), typeof(Model), typeof(ProgramBuild)]).Select(t => t.Module.ModuleVersionId));
}

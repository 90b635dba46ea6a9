using System.Runtime.CompilerServices;

namespace GpuConv.Tests;

/// <summary>
/// The collection of test classes whose commands are given no model and train one, which is kept for the next: one class after the other, as two that train the same at a time write the same files.
/// </summary>
[CollectionDefinition]
public sealed class ModelsTrainedForStudies
{
    // Where models are kept while tests run: the user's own are left alone.
    [ModuleInitializer]
    internal static void KeepThemApart()
    {
        var folder = new TemporaryFolder();
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", folder.Path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
    }
}

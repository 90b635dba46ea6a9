namespace GpuConv.Tests;

/// <summary>
/// The collection of test classes that change or measure what the whole process shares (allocated bytes), or look at what all others did: they
/// run one after the other, after those that run side by side.
/// </summary>
[CollectionDefinition(DisableParallelization = true)]
public sealed class ProcessWide;

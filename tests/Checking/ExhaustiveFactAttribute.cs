using System.Runtime.CompilerServices;

namespace GpuConv.Tests;

/// <summary>A test that the exhaustive form alone runs (<see cref="TestScope"/>): it takes long, and shorter ones see most of what it would.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ExhaustiveFactAttribute : FactAttribute
{
    public ExhaustiveFactAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Explicit = !TestScope.IsExhaustive;
}

/// <summary>The same with cases.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ExhaustiveTheoryAttribute : TheoryAttribute
{
    public ExhaustiveTheoryAttribute([CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
        : base(sourceFilePath, sourceLineNumber) => Explicit = !TestScope.IsExhaustive;
}

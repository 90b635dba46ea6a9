using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace GpuConv.Tests;

/// <summary>
/// The C# of a document, compiled at once, as far as it has been read, against the assemblies that the tests themselves use: statements become a method, parts stand for themselves.
/// </summary>
internal sealed class DocCode
{
    // The name that the projects let see what is internal.
    private const string Friend = "GpuConv.Docs";

    private const string Usings = "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Threading; global using System.Threading.Tasks; global using Xunit;";

    // ILGPU's CPU back end calls kernels from an assembly of this name.
    private const string Attributes = "[assembly: System.Runtime.CompilerServices.InternalsVisibleTo(\"ILGPURuntime\")]";

    private static readonly Lazy<MetadataReference[]> References = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(File.Exists).Select(file => MetadataReference.CreateFromFile(file))]);

    private static int assemblies;

    private readonly Assembly assembly;

    private DocCode(Assembly assembly) => this.assembly = assembly;

    /// <summary>Compiles all blocks of a document that are C# and not skipped.</summary>
    /// <param name="doc">The document.</param>
    /// <param name="blocks">The blocks, as they are to be compiled.</param>
    /// <exception cref="DocException">It does not compile; with the document's line.</exception>
    public static DocCode Compile(DocFile doc, IReadOnlyList<DocBlock> blocks)
    {
        bool friend = blocks.Any(b => IsPart(b) && b.Text.Contains("internal ", StringComparison.Ordinal));
        var parse = new CSharpParseOptions(LanguageVersion.Preview);
        SyntaxTree[] trees = [CSharpSyntaxTree.ParseText(Usings + Attributes, parse), .. blocks.Select(b => CSharpSyntaxTree.ParseText(IsPart(b) ? At(doc, b.Line, b.Text) : AsMethod(doc, b), parse))];
        string name = friend ? Friend : $"GpuConv.Reader{Interlocked.Increment(ref assemblies)}";
        var options = new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable);
        var compilation = CSharpCompilation.Create(name, trees, References.Value, options);
        using var image = new MemoryStream();
        Microsoft.CodeAnalysis.Emit.EmitResult result = compilation.Emit(image);
        if (!result.Success)
        {
            Diagnostic error = result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error);
            FileLinePositionSpan at = error.Location.GetMappedLineSpan();
            throw new DocException(at.HasMappedPath ? at.Path : doc.Path, at.StartLinePosition.Line + 1, $"does not compile. {error.Id}: {error.GetMessage()}");
        }
        image.Position = 0;
        return new DocCode(AssemblyLoadContext.Default.LoadFromStream(image));
    }

    public static bool IsPart(DocBlock block) => block.Markers.Contains("part");

    /// <summary>Runs a block: its statements, or a part's facts and theories, these on every test device.</summary>
    public void Run(DocFile doc, DocBlock block)
    {
        try
        {
            if (IsPart(block)) RunFacts(block);
            else assembly.GetType(ClassName(block))!.GetMethod("Run")!.Invoke(null, null);
        }
        catch (TargetInvocationException e)
        {
            throw new DocException(doc.Path, block.Line, $"fails. {e.InnerException!.GetType().Name}: {e.InnerException.Message}", e.InnerException);
        }
    }

    private void RunFacts(DocBlock block)
    {
        var root = (CompilationUnitSyntax)CSharpSyntaxTree.ParseText(block.Text).GetRoot();
        string space = root.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString() is { } found ? found + "." : "";
        foreach (ClassDeclarationSyntax declared in root.DescendantNodes().OfType<ClassDeclarationSyntax>())
        {
            Type? type = assembly.GetType(space + declared.Identifier.Text);
            if (type is null) continue;
            foreach (MethodInfo method in type.GetMethods().Where(m => m.GetCustomAttribute<FactAttribute>() is not null))
            {
                object[][] cases = method.GetCustomAttribute<TheoryAttribute>() is null ? [[]] : [.. TestDevices.All.Select(row => new object[] { row.Data })];
                foreach (object[] arguments in cases) method.Invoke(Activator.CreateInstance(type), arguments);
            }
        }
    }

    private static string ClassName(DocBlock block) => $"Block{block.Line}";

    // Its lines stay lines, so that the compiler's messages name the document's.
    private static string AsMethod(DocFile doc, DocBlock block)
    {
        string[] lines = block.Text.Split('\n');
        IEnumerable<string> usings = lines.Where(IsUsing);
        return $"{string.Concat(usings)}\npublic static class {ClassName(block)} {{ public static void Run() {{\n{At(doc, block.Line, string.Join('\n', lines.Select(l => IsUsing(l) ? "" : l)))}\n}} }}";
    }

    private static bool IsUsing(string line) => line.StartsWith("using ", StringComparison.Ordinal) && line.TrimEnd().EndsWith(';') && !line.Contains('=') && !line.Contains(" var ");

    private static string At(DocFile doc, int line, string text) => $"#line {line} \"{doc.Path}\"\n{text}";
}

/// <summary>Something in a document does not hold.</summary>
internal sealed class DocException(string path, int line, string what, Exception? inner = null) : Exception($"{path}:{line}: {what}", inner);

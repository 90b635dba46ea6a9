using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;

namespace GpuConv.Tests;

/// <summary>
/// The programs of <c>samples/</c>, compiled and run here, each at a small size: a build of its own for each would take longer than all of them run. <c>eng/verify samples</c> runs them as a reader does,
/// by <c>dotnet run FILE.cs</c>.
/// </summary>
public class SamplesTests
{
    // What the SDK puts before every program.
    private const string Usings = "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";

    // Copied beside the tests.
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "samples");

    private static readonly Lazy<MetadataReference[]> References = new(() =>
        [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Where(File.Exists).Select(file => MetadataReference.CreateFromFile(file))]);

    public static TheoryData<string, string, string> Programs => new()
    {
        // The program, its arguments, what it must say.
        { "kernel", "cpu", "x: right|a: right" },
        { "kernel", "simulated", "x: right|a: right" },
        { "train", "640", "input 1x28x28|epoch 2: loss|Finished|test accuracy" },
        { "attack", "1280", "fgsm  epsilon 0.05:|pgd   epsilon 0.20:|and what the network takes for" },
        { "occlusion", "1280 3", "test image 3, a 0: probability" },
        { "layer", "640", "swish1.beta: right|input: right|epoch 2: validation accuracy|the parameters it has learnt: " },
        { "draw", "1280", "it looks like a " },
    };

    [Theory, MemberData(nameof(Programs))]
    public void A_sample_compiles_and_runs(string name, string arguments, string said)
    {
        string output = Run(Path.Combine(Folder, $"{name}.cs"), arguments.Split(' '));
        Assert.All(said.Split('|'), text => Assert.Contains(text, output));
        Assert.DoesNotContain("WRONG", output);
    }

    [Fact]
    public void Every_sample_is_run_teaches_and_stands_alone()
    {
        string[] files = Directory.GetFiles(Folder, "*.cs");
        Assert.Equal(files.Select(f => Path.GetFileNameWithoutExtension(f)).Order(), Programs.Select(p => p.Data.Item1).Distinct().Order());
        foreach (string file in files)
        {
            string[] lines = File.ReadAllLines(file);
            Assert.InRange(lines.Length, 30, 90);
            Assert.Equal(["#:project ../src/Net/GpuConv.Net.csproj", "#:property PublishAot=false"], lines[..2]);
            Assert.Contains($"dotnet run samples/{Path.GetFileName(file)}", string.Join('\n', lines));
        }
    }

    private static string Run(string file, string[] arguments)
    {
        // The directives are for the SDK.
        string text = string.Join('\n', File.ReadAllLines(file).Select(line => line.StartsWith("#:", StringComparison.Ordinal) ? "" : line));
        var parse = new CSharpParseOptions(LanguageVersion.Preview);
        var compilation = CSharpCompilation.Create(
            $"sample-{Path.GetFileNameWithoutExtension(file)}-{Guid.NewGuid():n}",
            [CSharpSyntaxTree.ParseText(Usings, parse), CSharpSyntaxTree.ParseText(text, parse, file)],
            References.Value,
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable));
        using var image = new MemoryStream();
        EmitResult result = compilation.Emit(image);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error)));
        image.Position = 0;
        MethodInfo main = AssemblyLoadContext.Default.LoadFromStream(image).EntryPoint!;

        (int code, string output, _) = CapturedConsole.Run(() =>
        {
            main.Invoke(null, [arguments]);
            return Environment.ExitCode;
        });
        // It is the whole process's.
        Environment.ExitCode = 0;
        Assert.True(code == 0, output);
        return output;
    }
}

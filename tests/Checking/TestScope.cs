namespace GpuConv.Tests;

/// <summary>
/// How much of what could be tried is tried. <c>dotnet test</c> runs the short form: all cases on the CPU, some of the same cases, evenly chosen, where a case costs more.
/// GPUCONV_TEST_SCOPE=exhaustive (<c>eng/verify exhaustive</c>) runs everything.
/// </summary>
internal static class TestScope
{
    /// <summary>Whether everything is run.</summary>
    public static bool IsExhaustive { get; } = Environment.GetEnvironmentVariable("GPUCONV_TEST_SCOPE") switch
    {
        null or "" or "short" => false,
        "exhaustive" => true,
        string other => throw new ArgumentException($"GPUCONV_TEST_SCOPE is '{other}', neither short nor exhaustive."),
    };

    /// <summary>What a test tries on a device, of all its cases: on the CPU all. The first and the last are always among them.</summary>
    /// <param name="deviceName">The device's name.</param>
    /// <param name="cases">All cases, so few only where they are listed by hand.</param>
    public static IEnumerable<T> Some<T>(string deviceName, IEnumerable<T> cases)
    {
        T[] all = [.. cases];
        // The simulated GPU starts a thread for each lane; the interpreter runs the code that a GPU would get, so it keeps more.
        int kept = IsExhaustive || deviceName == "cpu" ? all.Length : deviceName == "simulated" ? Share(all.Length, 8, 3) : Share(all.Length, 3, 8);
        for (int i = 0; i < kept; i++) yield return all[kept == 1 ? 0 : (i * (all.Length - 1) + (kept - 1) / 2) / (kept - 1)];
    }

    /// <summary>The same of the numbers 0 to count - 1, from which tests draw their cases.</summary>
    public static IEnumerable<int> Seeds(string deviceName, int count) => Some(deviceName, Enumerable.Range(0, count));

    /// <summary>Alternatives, as two products of different operands that share their code: all of them in the exhaustive form, in the short form one, another for each number.</summary>
    public static IEnumerable<T> OneOf<T>(int number, params T[] alternatives) => IsExhaustive ? alternatives : [alternatives[number % alternatives.Length]];

    private static int Share(int count, int divisor, int least) => Math.Min(count, Math.Max(least, count / divisor));
}

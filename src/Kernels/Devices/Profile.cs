using System.Diagnostics;

namespace GpuConv.Kernels;

/// <summary>One run of a kernel.</summary>
/// <param name="Step">What it was part of, as <c>conv1 backward</c>.</param>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Start">When it began, in ticks of <see cref="Stopwatch"/>.</param>
/// <param name="End">When it ended.</param>
/// <param name="Items">Into how many items its work was cut.</param>
public readonly record struct ProfileEvent(string Step, string Kernel, long Start, long End, int Items)
{
    /// <summary>How long it took, in seconds.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(Start, End).TotalSeconds;
}

/// <summary>Records the kernels that run on a device while it is attached by <see cref="Device.Profile"/>.</summary>
public sealed class Profile
{
    private readonly List<ProfileEvent> events = [];

    /// <summary>What the next kernels are part of.</summary>
    public string Step { get; set; } = "";

    /// <summary>All runs so far, in order.</summary>
    public IReadOnlyList<ProfileEvent> Events => events;

    internal void Add(Type kernel, long start, int items) => events.Add(new ProfileEvent(Step, NameOf(kernel), start, Stopwatch.GetTimestamp(), items));

    // The kernel's own name, with those of what it is made of: Kernel1<Relu>.
    private static string NameOf(Type type)
    {
        string name = type.Name.Split('`')[0];
        string prefix = type.DeclaringType is { } outer ? $"{outer.Name.Split('`')[0]}." : "";
        Type[] arguments = type.GetGenericArguments();
        return prefix + name + (arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(a => a.Name.Split('`')[0]))}>");
    }
}

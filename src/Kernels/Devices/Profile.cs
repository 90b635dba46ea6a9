using System.Diagnostics;

namespace GpuConv.Kernels;

/// <summary>A stretch of time: a pass, a step of it, or one run of a kernel in that step.</summary>
/// <param name="Pass">The pass, as <c>training step</c>; empty outside of passes.</param>
/// <param name="Number">Which pass of that name.</param>
/// <param name="Step">The step, as <c>conv1 backward</c>; empty: the event is the whole pass.</param>
/// <param name="Kernel">The kernel's name; empty: the event is the whole step.</param>
/// <param name="Start">When it began, in ticks of <see cref="Stopwatch"/>.</param>
/// <param name="End">When it ended.</param>
/// <param name="Items">Into how many items a kernel's work was cut; 0 for steps and passes.</param>
public readonly record struct ProfileEvent(string Pass, long Number, string Step, string Kernel, long Start, long End, int Items)
{
    /// <summary>How long it took, in seconds.</summary>
    public double Seconds => Stopwatch.GetElapsedTime(Start, End).TotalSeconds;
}

/// <summary>All events of one pass, step and kernel together.</summary>
/// <param name="Pass">The pass.</param>
/// <param name="Step">The step; empty: the passes as a whole.</param>
/// <param name="Kernel">The kernel; empty: the steps as a whole.</param>
/// <param name="Count">How many there were.</param>
/// <param name="Seconds">How long they took together.</param>
public sealed record ProfileTotal(string Pass, string Step, string Kernel, long Count, double Seconds);

/// <summary>
/// Records where a device's time goes while it is attached by <see cref="Device.Profile"/>: passes (a training step, an evaluation), their
/// steps (a layer forward or backward, the optimiser) and, on the CPU, each kernel. Elsewhere the device is waited for at
/// the bounds of steps, so that their times are its own; that costs what it would have done meanwhile. Totals are kept of
/// everything, single events of some passes only, so that memory stays bounded.
/// </summary>
/// <param name="firstTraced">The first pass whose events are kept, counting passes of all names from 0.</param>
/// <param name="traced">How many passes' events are kept.</param>
public sealed class Profile(long firstTraced, long traced)
{
    private readonly List<ProfileEvent> events = [];
    private readonly List<Total> totals = [];
    private readonly Dictionary<(string Pass, string Step, Type? Kernel), Total> byPart = [];
    private Device? device;
    private long passes;
    private string pass = "";
    private long number;
    private long passStart;
    private string step = "";
    private long stepStart;

    /// <summary>A profile that keeps every event.</summary>
    public Profile() : this(0, long.MaxValue) { }

    /// <summary>What the next kernels are part of; ends the step before. Empty: no step.</summary>
    public string Step
    {
        get => step;
        set
        {
            long now = Now();
            if (step.Length > 0) Record(step, null, stepStart, now, 0);
            step = value;
            stepStart = now;
        }
    }

    /// <summary>The events that were kept, in the order in which they ended.</summary>
    public IReadOnlyList<ProfileEvent> Events => events;

    /// <summary>The totals of all events, kept or not, in the order in which they first ended.</summary>
    public IReadOnlyList<ProfileTotal> Totals =>
        [.. totals.Select(t => new ProfileTotal(t.Pass, t.Step, t.Kernel, t.Count, Stopwatch.GetElapsedTime(0, t.Ticks).TotalSeconds))];

    /// <summary>Begins a pass.</summary>
    /// <param name="name">What it is, as <c>training step</c>.</param>
    /// <param name="number">Which one of that name.</param>
    public void BeginPass(string name, long number)
    {
        passStart = Now();
        (pass, this.number) = (name, number);
    }

    /// <summary>Ends the pass and its last step.</summary>
    public void EndPass()
    {
        Step = "";
        Record("", null, passStart, stepStart, 0);
        pass = "";
        passes++;
    }

    internal void Attach(Device device) => this.device = device;

    internal void Add(Type kernel, long start, int items) => Record(step, kernel, start, Stopwatch.GetTimestamp(), items);

    private long Now()
    {
        device?.Synchronize();
        return Stopwatch.GetTimestamp();
    }

    private void Record(string step, Type? kernel, long start, long end, int items)
    {
        if (!byPart.TryGetValue((pass, step, kernel), out Total? total))
        {
            total = new Total(pass, step, kernel is null ? "" : NameOf(kernel));
            byPart.Add((pass, step, kernel), total);
            totals.Add(total);
        }
        total.Count++;
        total.Ticks += end - start;
        if (passes >= firstTraced && passes - firstTraced < traced) events.Add(new ProfileEvent(pass, number, step, total.Kernel, start, end, items));
    }

    // The kernel's own name, with those of what it is made of: Kernel1<Relu>.
    private static string NameOf(Type type)
    {
        // What is launched in one of the common ways goes by what is launched.
        while (Array.Find(type.GetGenericArguments(), a => a.IsAssignableTo(typeof(IIndexKernel)) || a.IsAssignableTo(typeof(IMap))) is { } inner) type = inner;
        string name = type.Name.Split('`')[0];
        string prefix = type.DeclaringType is { } outer ? $"{outer.Name.Split('`')[0]}." : "";
        Type[] arguments = type.GetGenericArguments();
        return prefix + name + (arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(a => a.Name.Split('`')[0]))}>");
    }

    private sealed class Total(string pass, string step, string kernel)
    {
        public string Pass => pass;

        public string Step => step;

        public string Kernel => kernel;

        public long Count { get; set; }

        public long Ticks { get; set; }
    }
}

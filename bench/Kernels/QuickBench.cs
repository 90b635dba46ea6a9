using System.Diagnostics;
using GpuConv.Kernels;

namespace GpuConv.Bench;

/// <summary>
/// Times the heavy operators in seconds rather than minutes: <c>dotnet run -c Release --project bench -- quick conv|more|linear|all [device] [threads]</c>.
/// Each line: the median and the fastest of many runs, GFLOP/s and the share of the peak by the median. Results are verified by the tests.
/// </summary>
internal static class QuickBench
{
    private const double SecondsEach = 0.4;

    public static void Run(string[] args)
    {
        string what = args.ElementAtOrDefault(0) ?? "all";
        using Device device = Device.Open(args.ElementAtOrDefault(1) ?? "cpu", int.Parse(args.ElementAtOrDefault(2) ?? "0"));
        double peak = device.Kind == DeviceKind.Cpu ? MultiplyAddPeak.FlopsPerSecond(device) / 1e9 : 0;
        Console.WriteLine($"{device.Name}, {device.Threads} threads, {device.SimdBits} bits" + (peak > 0 ? $", peak {peak:f0} GFLOP/s" : ""));
        if (what is "conv" or "all") Convolutions(device, peak, [.. Conv2DCases.Report, .. Conv2DCases.Report.Select(c => c with { Batch = 1 })]);
        if (what is "more" or "all") Convolutions(device, peak, Conv2DCases.Further);
        if (what is "linear" or "all") Linears(device, peak);
    }

    private static void Convolutions(Device device, double peak, IReadOnlyList<Conv2DCase> cases)
    {
        foreach (Conv2DCase work in cases)
        {
            (int batch, Conv2DShape s) = (work.Batch, work.Shape);
            using var arena = new DeviceArena(device);
            var conv = new Conv2D(arena, s, batch);
            Tensor<float> x = Random(arena, s.Input.Prepend(batch)), w = Random(arena, s.Weights), b = Random(arena, new Shape(s.OutChannels));
            Tensor<float> y = arena.Allocate<float>(s.Output.Prepend(batch)), dy = Random(arena, s.Output.Prepend(batch));
            Tensor<float> dx = arena.Allocate<float>(s.Input.Prepend(batch)), dw = arena.Allocate<float>(s.Weights), db = arena.Allocate<float>(new Shape(s.OutChannels));
            Console.WriteLine($"conv {work}, {arena.Bytes / 1e6:f1} MB");
            Time(device, "forward", s.Flops(batch), peak, () => conv.Forward(x, w, b, y));
            Time(device, "to input", s.Flops(batch), peak, () => conv.GradInput(dy, w, dx));
            Time(device, "to weights", s.Flops(batch), peak, () => conv.GradWeight(x, dy, dw));
            Time(device, "to bias", dy.Count, 0, () => conv.GradBias(dy, db));
        }
    }

    private static void Linears(Device device, double peak)
    {
        foreach ((int batch, int inFeatures, int outFeatures) in (LinearCase[])[.. LinearBenchmarks.Cases, new(1024, 1024, 1024)])
        {
            using var arena = new DeviceArena(device);
            var linear = new Linear(arena, inFeatures, outFeatures, batch);
            Tensor<float> x = Random(arena, new Shape(batch, inFeatures)), w = Random(arena, new Shape(outFeatures, inFeatures)), b = Random(arena, new Shape(outFeatures));
            Tensor<float> y = arena.Allocate<float>(new Shape(batch, outFeatures)), dy = Random(arena, new Shape(batch, outFeatures));
            Tensor<float> dx = arena.Allocate<float>(new Shape(batch, inFeatures)), dw = arena.Allocate<float>(new Shape(outFeatures, inFeatures));
            long flops = 2L * batch * inFeatures * outFeatures;
            Console.WriteLine($"linear {inFeatures} -> {outFeatures}, batch {batch}, {arena.Bytes / 1e6:f1} MB");
            Time(device, "forward", flops, peak, () => linear.Forward(x, w, b, y));
            Time(device, "to input", flops, peak, () => linear.GradInput(dy, w, dx));
            Time(device, "to weights", flops, peak, () => linear.GradWeight(x, dy, dw));
        }
    }

    private static Tensor<float> Random(DeviceArena arena, Shape shape)
    {
        var random = new Random(1);
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
        Tensor<float> tensor = arena.Allocate<float>(shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    private static void Time(Device device, string what, long flops, double peak, Action action)
    {
        long begin = Stopwatch.GetTimestamp();
        do
        {
            action();
            device.Synchronize();
        }
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < SecondsEach);

        var times = new List<double>();
        begin = Stopwatch.GetTimestamp();
        while (times.Count < 5 || Stopwatch.GetElapsedTime(begin).TotalSeconds < SecondsEach)
        {
            long start = Stopwatch.GetTimestamp();
            action();
            device.Synchronize();
            times.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        times.Sort();
        double median = times[times.Count / 2], rate = flops / median / 1e9;
        Console.WriteLine($"  {what,-10} {median * 1e3,8:f3} ms (least {times[0] * 1e3:f3})  {rate,7:f1} GFLOP/s" + (peak > 0 ? $"  {100 * rate / peak,5:f1} % of peak" : ""));
    }
}

using System.Reflection;
using GpuConv.Kernels;
using GpuConv.Net;
using ILGPU;
using ILGPU.Runtime;
using Device = GpuConv.Kernels.Device;
using MathMode = GpuConv.Kernels.MathMode;

namespace GpuConv.Tests;

/// <summary>The kernels of one training step of the report's network, with all that a training does around it: recorded, or interpreted.</summary>
internal static class StepLaunches
{
    /// <summary>What a step launches at a batch size, without running it.</summary>
    public static IReadOnlyList<RecordedLaunch> Record(int batch, bool batchNormalization, MathMode mathMode = MathMode.Fp32)
    {
        var recorder = new KernelRecorder();
        Run(batch, batchNormalization, mathMode, recorder);
        return recorder.Launches;
    }

    /// <summary>What the interpreter counts in a step, with what was launched.</summary>
    public static IReadOnlyList<(RecordedLaunch Launch, PtxCounts Counts)> Interpret(int batch, bool batchNormalization, MathMode mathMode = MathMode.Fp32)
    {
        var runner = new PtxRunner();
        var counts = new List<PtxCounts>();
        runner.Launched += counts.Add;
        var recorder = new KernelRecorder { Runs = runner };
        Run(batch, batchNormalization, mathMode, recorder);
        return [.. recorder.Launches.Zip(counts)];
    }

    private static void Run(int batch, bool batchNormalization, MathMode mathMode, IKernelRunner runner)
    {
        using Device device = Device.OpenSimulated(mathMode, copiesAsync: true);
        device.Runner = runner;
        // As many images as one batch has, so that every tensor among the arguments is what this step reads or writes.
        var random = new Random(1);
        var pixels = new byte[batch * 28 * 28];
        random.NextBytes(pixels);
        var images = new LabelledImages(pixels, [.. Enumerable.Range(0, batch).Select(i => i % 10)], 1, 28, 28);
        var data = new DataSet("random", images, images, 10, 0.5f, 0.29f, "");
        using var trainer = new Trainer(device, Network.Report(new Shape(1, 28, 28), 10, batchNormalization), data, new TrainingOptions { Epochs = 1, Batch = batch, Validation = 0 });
        trainer.Run();
    }

    /// <summary>Operations of a launch: those of a matrix product; what other kernels compute does not weigh beside what they move.</summary>
    public static long Flops(RecordedLaunch launch) =>
        FieldsOf(launch.Arguments).Any(a => a is IGemmOperand) ? FieldsOf(launch.Arguments).OfType<GemmSize>().Sum(s => 2L * s.M * s.N * s.K * s.Slices) : 0;

    /// <summary>Bytes of all tensors among a launch's arguments, each once.</summary>
    public static long TensorBytes(RecordedLaunch launch)
    {
        var views = new HashSet<(MemoryBuffer, long, long)>();
        Find(launch.Arguments);
        return views.Sum(v => v.Item3);

        void Find(object? value)
        {
            if (value is IContiguousArrayView view)
            {
                if (view.Length > 0) views.Add((view.Buffer, view.IndexInBytes, view.LengthInBytes));
            }
            else if (value is ValueType && !value.GetType().IsPrimitive)
            {
                foreach (object? inner in FieldsOf(value)) Find(inner);
            }
        }
    }

    private static IEnumerable<object?> FieldsOf(object value) =>
        value.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Select(f => f.GetValue(value));
}

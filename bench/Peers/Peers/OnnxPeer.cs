using GpuConv.Kernels;
using GpuConv.Net;
using Microsoft.ML.OnnxRuntime;

namespace GpuConv.Peers;

/// <summary>ONNX Runtime on the processor: inference only.</summary>
internal sealed class OnnxPeer(int threads) : IPeer
{
    public string Description => $"{OrtEnv.Instance().GetVersionString()}, {threads} threads";

    public IReadOnlyList<Variant> Variants(Case work) => work.Work is Work.Train or Work.Attack or Work.ForwardBackward ? [] :
    [
        new Variant("threads spin", () => Prepare(work, [])),
        new Variant("threads spin, dynamic blocks", () => Prepare(work, [("session.dynamic_block_base", "4")])),
        new Variant("threads do not spin", () => Prepare(work, [("session.intra_op.allow_spinning", "0")])),
    ];

    public void Dispose()
    {
    }

    private PreparedAction Prepare(Case work, (string Key, string Value)[] entries)
    {
        using var options = new SessionOptions
        {
            IntraOpNumThreads = threads,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            EnableCpuMemArena = true,
            EnableMemoryPattern = true,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };
        foreach ((string key, string value) in entries) options.AddSessionConfigEntry(key, value);
        var session = new Session(work, options);
        return new PreparedAction(session.Run, () => Sample.Of(session.Y), session);
    }

    /// <summary>A session with its input and output in place: nothing is allocated or copied by a run.</summary>
    private sealed class Session : IDisposable
    {
        private readonly InferenceSession session;
        private readonly RunOptions options = new();
        private readonly OrtValue[] inputs, outputs;
        private readonly string output;

        public Session(Case work, SessionOptions sessionOptions)
        {
            session = new InferenceSession(OnnxExport.ToBytes(new Model(work.Network, Inputs.Weights(work.Network), 0, 1, ""), new OnnxExportOptions { Batch = work.Batch }), sessionOptions);
            output = work.Network.Nodes[^1].Name;
            Y = new float[work.Network.OutputShape.Prepend(work.Batch).Count];
            inputs = [Value(Inputs.X(work), work.Network.InputShape.Prepend(work.Batch))];
            outputs = [Value(Y, work.Network.OutputShape.Prepend(work.Batch))];
        }

        public float[] Y { get; }

        public void Run() => session.Run(options, [OnnxExport.Input], inputs, [output], outputs);

        public void Dispose()
        {
            foreach (OrtValue value in (OrtValue[])[.. inputs, .. outputs]) value.Dispose();
            options.Dispose();
            session.Dispose();
        }

        private static OrtValue Value(float[] values, Shape shape) => OrtValue.CreateTensorValueFromMemory(values, [.. shape.ToArray().Select(s => (long)s)]);
    }
}

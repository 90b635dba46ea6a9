using GpuConv.Net;
using Microsoft.ML.OnnxRuntime;

namespace GpuConv.OnnxRuntime;

/// <summary>A model in ONNX Runtime on the processor, from a file's bytes: making it runs ONNX Runtime's own check of the model.</summary>
internal sealed class Session : IDisposable
{
    private readonly InferenceSession session;
    private readonly RunOptions options = new();
    private readonly string output;
    private readonly Model model;

    public Session(byte[] bytes, Model model, int threads = 0)
    {
        this.model = model;
        using var settings = new SessionOptions { IntraOpNumThreads = threads, InterOpNumThreads = 1, LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR };
        session = new InferenceSession(bytes, settings);
        output = session.OutputNames.Single();
        if (session.InputNames is not [OnnxExport.Input]) throw new InvalidDataException("The file has other inputs than one.");
    }

    /// <summary>The outputs for images as pixel/255.</summary>
    public float[] Run(float[] images)
    {
        long[] shape = [images.Length / model.Network.InputShape.Count, .. model.Network.InputShape.ToArray().Select(s => (long)s)];
        using OrtValue x = OrtValue.CreateTensorValueFromMemory(images, shape);
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(options, [OnnxExport.Input], [x], [output]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }

    public void Dispose()
    {
        options.Dispose();
        session.Dispose();
    }
}

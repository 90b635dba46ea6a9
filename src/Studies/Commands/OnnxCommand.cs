using System.CommandLine;

namespace GpuConv.Studies;

/// <summary><c>gpuconv onnx</c>: networks in ONNX's format.</summary>
internal static class OnnxCommand
{
    public static Command Create() => new("onnx", "ONNX: writes models, runs graphs and tests on this program's kernels.")
    {
        OnnxExportCommand.Create(),
        OnnxRunCommand.Create(),
        OnnxTestCommand.Create(),
    };
}

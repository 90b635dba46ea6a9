using System.CommandLine;

namespace GpuConv.Studies;

/// <summary><c>gpuconv</c> with all its commands.</summary>
internal static class GpuConvCommand
{
    public static RootCommand Create()
    {
        RootCommand root = WithCommands();
        NumberText.ReadAll(root);
        return root;
    }

    private static RootCommand WithCommands() => new("GpuConv: convolutional networks on GPU and CPU, from the kernels up, with nothing hidden.")
    {
        ReportCommand.Create(),
        DevicesCommand.Create(),
        SummaryCommand.Create(),
        TrainCommand.Create(),
        EvaluateCommand.Create(),
        PredictCommand.Create(),
        CompareBatchNormCommand.Create(),
        FiltersCommand.Create(),
        ActivationsCommand.Create(),
        OcclusionCommand.Create(),
        AttributeCommand.Create(),
        FoolCommand.Create(),
        TargetCommand.Create(),
        NoiseCommand.Create(),
        AttackCommand.Create(),
        OnnxCommand.Create(),
        BenchCommand.Create(),
        CompletionCommand.Create(),
    };
}

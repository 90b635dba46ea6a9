using System.CommandLine;
using GpuConv.Studies;

RootCommand root = new("GpuConv: convolutional networks on GPU and CPU, from the kernels up, with nothing hidden.")
{
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
};
return Invocation.Run(root, args);

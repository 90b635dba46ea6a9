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
    OcclusionCommand.Create(),
    FoolCommand.Create(),
    TargetCommand.Create(),
    NoiseCommand.Create(),
    BenchCommand.Create(),
};
return Invocation.Run(root, args);

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>The optimiser of a training with its state: one or two numbers for each parameter.</summary>
internal sealed class Optimizer
{
    private readonly DeviceParameters parameters;
    private readonly Sgd? sgd;
    private readonly Adam? adam;

    public Optimizer(DeviceArena arena, DeviceParameters parameters, TrainingOptions options)
    {
        this.parameters = parameters;
        if (options.Optimizer == OptimizerKind.Sgd)
        {
            sgd = new Sgd(arena.Device, new SgdOptions { Momentum = options.Momentum, Nesterov = options.Nesterov, WeightDecay = options.WeightDecay });
            if (options.Momentum > 0) State.Add(("momentum", arena.Allocate<float>(parameters.Values.Shape)));
        }
        else
        {
            adam = new Adam(arena.Device, new AdamOptions { Beta1 = options.Beta1, Beta2 = options.Beta2, WeightDecay = options.WeightDecay, Decoupled = options.Optimizer == OptimizerKind.AdamW });
            State.Add(("first_moment", arena.Allocate<float>(parameters.Values.Shape)));
            State.Add(("second_moment", arena.Allocate<float>(parameters.Values.Shape)));
        }
    }

    /// <summary>The state, laid out as the parameters' values.</summary>
    public List<(string Name, Tensor<float> Values)> State { get; } = [];

    /// <summary>Changes the parameters by their gradients.</summary>
    /// <param name="rate">The learning rate.</param>
    /// <param name="step">The number of the step over the whole training, from 0.</param>
    public void Step(double rate, long step)
    {
        if (adam is not null) adam.Step(parameters.Values, parameters.Gradients, State[0].Values, State[1].Values, (float)rate, checked((int)(step + 1)));
        else sgd!.Step(parameters.Values, parameters.Gradients, State.Count > 0 ? State[0].Values : null, (float)rate, step == 0);
    }
}

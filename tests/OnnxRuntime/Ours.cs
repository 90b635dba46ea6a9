using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.OnnxRuntime;

/// <summary>A model here, from images as pixel/255 to the network's outputs.</summary>
internal sealed class Ours : IDisposable
{
    private readonly DeviceArena arena;
    private readonly Plan plan;
    private readonly Model model;

    public Ours(Device device, Model model, int batch)
    {
        this.model = model;
        arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, model.Network, withGradients: false);
        parameters.Load(model.Weights);
        plan = new Plan(arena, parameters, batch, PlanPurpose.Infer);
    }

    public float[] Run(float[] images)
    {
        int count = images.Length / model.Network.InputShape.Count;
        plan.Input.First(count).CopyFrom(Array.ConvertAll(images, v => (v - model.Mean) / model.Deviation));
        plan.Forward(count);
        return plan.Output.First(count).ToArray();
    }

    public void Dispose() => arena.Dispose();
}

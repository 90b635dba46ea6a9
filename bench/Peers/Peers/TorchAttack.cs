using System.Diagnostics;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.Peers;

/// <summary>Projected gradient descent by PyTorch's autograd, as torchattacks has it: the gradient to the images alone, no weight asks for one.</summary>
internal sealed class TorchAttack : IPrepared
{
    private readonly bool channelsLast;
    private readonly nn.Module<Tensor, Tensor>? modules;
    private readonly TorchScript? script;
    private readonly Tensor original, lower, upper, labels;

    public TorchAttack(Case work, bool channelsLast, bool scripted)
    {
        this.channelsLast = channelsLast;
        LabelledImages images = Inputs.Recognised(work);
        if (scripted) script = new TorchScript(work.Network, channelsLast ? TorchLayout.ChannelsLast : TorchLayout.Contiguous);
        else
        {
            modules = TorchNetwork.Modules(work.Network, channelsLast);
            modules.eval();
            foreach (var parameter in modules.parameters()) parameter.requires_grad_(false);
        }
        original = InLayout(tensor(images.Pixels).reshape(-1, 1, images.Height, images.Width).to(ScalarType.Float32) / 255);
        lower = (original - Case.Epsilon).clamp_(0);
        upper = (original + Case.Epsilon).clamp_(max: 1);
        labels = tensor(Array.ConvertAll(images.Labels, l => (long)l));
    }

    public float[] Results()
    {
        using var scope = NewDisposeScope();
        // To the normalised input, as the others have it.
        return Sample.Of(TorchNetwork.Read(Gradient(original.clone()) * Inputs.Data.Deviation));
    }

    public void Run(double[] milliseconds)
    {
        for (int i = 0; i < milliseconds.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using (NewDisposeScope()) Attack();
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    public void Dispose()
    {
        modules?.Dispose();
        script?.Dispose();
        foreach (Tensor tensor in (Tensor[])[original, lower, upper, labels]) tensor.Dispose();
    }

    private void Attack()
    {
        Tensor x = (original + empty_like(original).uniform_(-Case.Epsilon, Case.Epsilon)).clamp_(lower, upper);
        for (int step = 0; step < Case.AttackSteps; step++)
        {
            using var scope = NewDisposeScope();
            Tensor g = Gradient(x);
            using var _ = no_grad();
            x.add_(g.sign_(), Case.Alpha).clamp_(lower, upper);
        }
        // What an attack gives: the images, and what the network takes them for.
        using var mode = no_grad();
        Scores(x).argmax(1).data<long>().ToArray();
        x.data<float>().ToArray();
    }

    private Tensor Gradient(Tensor x)
    {
        Tensor leaf = x.detach().requires_grad_(true);
        return autograd.grad([nn.functional.nll_loss(Scores(leaf), labels, reduction: nn.Reduction.Sum)], [leaf])[0];
    }

    private Tensor Scores(Tensor x)
    {
        Tensor input = x.sub(Inputs.Data.Mean).mul_(1 / Inputs.Data.Deviation);
        return script is not null ? script.Forward(input) : modules!.forward(input);
    }

    private Tensor InLayout(Tensor x) => TorchNetwork.InLayout(x, channelsLast ? TorchLayout.ChannelsLast : TorchLayout.Contiguous);
}

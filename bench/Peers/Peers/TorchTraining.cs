using System.Diagnostics;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.Peers;

/// <summary>Training by PyTorch's autograd, on batches in the file's order that are made from bytes.</summary>
internal sealed class TorchTraining : IPrepared
{
    // torch.optim.Adam(fused=True) is this call; TorchSharp's own Adam is ten calls or more for each parameter.
    private static readonly jit.CompilationUnit Fused = jit.compile(
        """
        def adam(w: List[Tensor], dw: List[Tensor], m: List[Tensor], v: List[Tensor], steps: List[Tensor], rate: float):
            torch._foreach_add_(steps, 1)
            none: List[Tensor] = []
            torch._fused_adam_(w, dw, m, v, none, steps, lr=rate, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False)

        """);

    private const double Rate = 1e-3;

    private readonly int batch;
    private readonly bool channelsLast;
    private readonly nn.Module<Tensor, Tensor> network;
    private readonly optim.Optimizer? optimizer;
    private readonly Parameter[] parameters;
    private readonly Tensor[] m, v, steps;
    private readonly Tensor pixels, labels;
    private int next;

    public TorchTraining(Case work, bool channelsLast, bool fused)
    {
        batch = work.Batch;
        this.channelsLast = channelsLast;
        network = TorchNetwork.Modules(work.Network, channelsLast);
        network.train();
        parameters = [.. network.parameters()];
        if (!fused) optimizer = optim.Adam(parameters, Rate);
        m = fused ? [.. parameters.Select(p => zeros_like(p))] : [];
        v = [.. m.Select(p => zeros_like(p))];
        steps = [.. m.Select(_ => tensor(0f))];
        LabelledImages train = Inputs.Data.Train;
        pixels = tensor(train.Pixels).reshape(-1, 1, train.Height, train.Width);
        labels = tensor(Array.ConvertAll(train.Labels, l => (long)l));
    }

    /// <summary>Mean losses of the first step, the first two, and so on.</summary>
    public float[] Results()
    {
        var means = new float[Sample.Losses];
        double sum = 0;
        for (int i = 0; i < means.Length; i++)
        {
            using var scope = NewDisposeScope();
            sum += Step().item<float>();
            means[i] = (float)(sum / (i + 1));
        }
        return means;
    }

    public void Run(double[] milliseconds)
    {
        for (int i = 0; i < milliseconds.Length; i++)
        {
            long start = Stopwatch.GetTimestamp();
            using (NewDisposeScope()) Step();
            milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    public void Dispose()
    {
        optimizer?.Dispose();
        network.Dispose();
        foreach (Tensor tensor in (Tensor[])[.. m, .. v, .. steps, pixels, labels]) tensor.Dispose();
    }

    // The loss is not read: that would be one more call, and nobody needs it at every step.
    private Tensor Step()
    {
        if (next + batch > pixels.shape[0]) next = 0;
        Tensor x = pixels.slice(0, next, next + batch, 1).to(ScalarType.Float32).mul_(1 / (255 * Inputs.Data.Deviation)).sub_(Inputs.Data.Mean / Inputs.Data.Deviation);
        if (channelsLast) x = TorchNetwork.InLayout(x, TorchLayout.ChannelsLast);
        Tensor truth = labels.slice(0, next, next + batch, 1);
        next += batch;
        // No gradient rather than zeros: the backward pass then writes instead of adding.
        foreach (Parameter parameter in parameters) parameter.grad = null;
        Tensor loss = nn.functional.nll_loss(network.forward(x), truth);
        loss.backward();
        if (optimizer is not null) optimizer.step();
        else
        {
            using var _ = no_grad();
            Fused.invoke("adam", parameters.ToArray<Tensor>(), parameters.Select(p => p.grad!).ToArray(), m, v, steps, Rate);
        }
        return loss;
    }
}

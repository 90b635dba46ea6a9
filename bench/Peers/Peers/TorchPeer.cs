using System.Runtime.InteropServices;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.Peers;

/// <summary>PyTorch (libtorch through TorchSharp).</summary>
internal sealed class TorchPeer : IPeer
{
    /// <summary>Loads libtorch.</summary>
    /// <exception cref="DllNotFoundException">It cannot be loaded; the loader's reason.</exception>
    public TorchPeer(int threads)
    {
        // TorchSharp hides the loader's reason behind pages about its search, and copies half a gigabyte meanwhile: tried here first.
        string library = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "native", "libLibTorchSharp.so");
        try
        {
            if (OperatingSystem.IsLinux() && File.Exists(library)) NativeLibrary.Load(library);
        }
        catch (DllNotFoundException e)
        {
            string reason = e.Message.Trim().Split('\n')[^1];
            throw new DllNotFoundException($"libtorch needs a libstdc++ with GLIBCXX_3.4.32 (Debian trixie or later); the loader says: {reason}", e);
        }
        set_num_threads(threads);
        set_num_interop_threads(1);
        Description = $"libtorch {__version__} through TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, {get_num_threads()} threads";
    }

    public string Description { get; }

    public IReadOnlyList<Variant> Variants(Case work) => work.Work switch
    {
        Work.Train =>
        [
            .. from channelsLast in (bool[])[false, true]
               from fused in (bool[])[false, true]
               select new Variant($"{Format(channelsLast)}, {(fused ? "fused Adam" : "TorchSharp's Adam")}", () => new TorchTraining(work, channelsLast, fused)),
        ],
        Work.Infer =>
        [
            .. from channelsLast in (bool[])[false, true] select new Variant($"modules, {Format(channelsLast)}", () => Modules(work, channelsLast)),
            .. from layout in Enum.GetValues<TorchLayout>() select new Variant($"TorchScript, batch norm folded, {Format(layout)}", () => Scripted(work, layout)),
        ],
        Work.Attack =>
        [
            .. from channelsLast in (bool[])[false, true]
               from scripted in (bool[])[false, true]
               select new Variant($"{(scripted ? "TorchScript, batch norm folded" : "modules")}, {Format(channelsLast)}", () => new TorchAttack(work, channelsLast, scripted)),
        ],
        Work.Forward =>
        [
            .. from layout in Enum.GetValues<TorchLayout>()
               where layout != TorchLayout.ChannelsLast || IsConvolution(work)
               select new Variant(Format(layout), () => Scripted(work, layout)),
        ],
        _ =>
        [
            .. from channelsLast in (bool[])[false, true]
               where !channelsLast || IsConvolution(work)
               select new Variant(Format(channelsLast), () => Gradients(work, channelsLast)),
        ],
    };

    public void Dispose()
    {
    }

    private static string Format(bool channelsLast) => Format(channelsLast ? TorchLayout.ChannelsLast : TorchLayout.Contiguous);

    private static string Format(TorchLayout layout) => layout switch
    {
        TorchLayout.Contiguous => "contiguous",
        TorchLayout.ChannelsLast => "channels last",
        _ => "oneDNN's own layout, weights packed",
    };

    private static bool IsConvolution(Case work) => work.Network.Nodes[0].Layer is Conv2DLayer;

    private static PreparedAction Modules(Case work, bool channelsLast)
    {
        var network = TorchNetwork.Modules(work.Network, channelsLast);
        network.eval();
        Tensor x = TorchNetwork.Input(work, channelsLast ? TorchLayout.ChannelsLast : TorchLayout.Contiguous);
        return Timed(() => network.forward(x), network, x);
    }

    private static PreparedAction Scripted(Case work, TorchLayout layout)
    {
        var script = new TorchScript(work.Network, layout);
        Tensor x = TorchNetwork.Input(work, layout);
        return Timed(() => script.Forward(x), script, x);
    }

    private static PreparedAction Timed(Func<Tensor> forward, params IDisposable[] owned)
    {
        using var mode = inference_mode(true);
        return new PreparedAction(
            () =>
            {
                using var scope = NewDisposeScope();
                using var inference = inference_mode(true);
                forward();
            },
            () =>
            {
                using var scope = NewDisposeScope();
                using var inference = inference_mode(true);
                return Sample.Of(TorchNetwork.Read(forward()));
            }, new Owned(owned));
    }

    private static PreparedAction Gradients(Case work, bool channelsLast)
    {
        TorchLayout layout = channelsLast ? TorchLayout.ChannelsLast : TorchLayout.Contiguous;
        Weights weights = Inputs.Weights(work.Network);
        Tensor x = TorchNetwork.Input(work, layout), dy = TorchNetwork.InLayout(TorchNetwork.From(Inputs.Dy(work), work.Network.OutputShape.Prepend(work.Batch)), layout);
        Tensor w = TorchNetwork.InLayout(TorchNetwork.From(weights.Arrays[0]), layout).requires_grad_(true), b = TorchNetwork.From(weights.Arrays[1]).requires_grad_(true);
        if (work.NeedsInputGradient) x.requires_grad_(true);
        Tensor[] wanted = work.NeedsInputGradient ? [x, w, b] : [w, b];
        Tensor Forward() => IsConvolution(work) ? nn.functional.conv2d(x, w, b, padding: [1, 1]) : nn.functional.linear(x, w, b);
        return new PreparedAction(
            () =>
            {
                using var scope = NewDisposeScope();
                autograd.grad([Forward()], wanted, [dy]);
            },
            () =>
            {
                using var scope = NewDisposeScope();
                Tensor y = Forward();
                IList<Tensor> gradients = autograd.grad([y], wanted, [dy]);
                return [.. Sample.Of(TorchNetwork.Read(y)), .. gradients.SelectMany(g => Sample.Of(TorchNetwork.Read(g)))];
            }, new Owned([x, dy, w, b]));
    }

    /// <summary>What goes away with a prepared case.</summary>
    private sealed class Owned(IDisposable[] parts) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable part in parts) part.Dispose();
        }
    }
}

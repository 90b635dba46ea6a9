using System.Text;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.Peers;

/// <summary>
/// A network as one TorchScript function for inference: one call from .NET for all layers, batch normalisation folded into the
/// convolution before it, weights kept in the layout they are needed in. It is by hand what torch.jit.freeze and optimize_for_inference
/// do, which TorchSharp does not offer.
/// </summary>
internal sealed class TorchScript : IDisposable
{
    private readonly jit.CompilationUnit unit;
    private readonly object[] arguments;

    public TorchScript(Network network, TorchLayout layout)
    {
        Dictionary<string, Tensor> weights = Inputs.Weights(network).Arrays.ToDictionary(a => a.Name, TorchNetwork.From);
        var names = new List<string>();
        var tensors = new List<Tensor>();
        string Argument(Tensor value)
        {
            names.Add($"w{names.Count}");
            tensors.Add(TorchNetwork.InLayout(value, layout));
            return names[^1];
        }

        var body = new StringBuilder();
        for (int i = 0; i < network.Nodes.Count; i++)
        {
            Node node = network.Nodes[i];
            string line = node.Layer switch
            {
                Conv2DLayer conv => $"torch.conv2d(x, {Folded(node, i + 1 < network.Nodes.Count ? network.Nodes[i + 1] : node)}, [1, 1], [{conv.Window.PadTop}, {conv.Window.PadLeft}])",
                BatchNormalizationLayer => "x",
                ActivationLayer { Kind: ActivationKind.Relu } => "torch.relu_(x)",
                MaxPool2DLayer pool => $"torch.max_pool2d(x, [{pool.Window.KernelHeight}, {pool.Window.KernelWidth}])",
                FlattenLayer => $"x.reshape([-1, {node.OutputShape.Count}])",
                LinearLayer => $"torch.linear(x, {Argument(weights[node.Name + ".weight"])}, {Argument(weights[node.Name + ".bias"])})",
                SoftmaxLayer { IsLogarithm: true } => layout == TorchLayout.OneDnn ? "torch.log_softmax(x.to_dense(), 1)" : "torch.log_softmax(x, 1)",
                _ => throw new NotSupportedException($"No TorchScript for {node.Layer.Text}."),
            };
            if (line != "x") body.Append("    x = ").Append(line).Append('\n');
        }
        string parameters = string.Concat(names.Select(n => $", {n}: Tensor"));
        unit = jit.compile($"def forward(x: Tensor{parameters}) -> Tensor:\n{body}    return x\n\n");
        arguments = [null!, .. tensors];

        string Folded(Node conv, Node next)
        {
            Tensor w = weights[conv.Name + ".weight"], b = weights[conv.Name + ".bias"];
            if (next.Layer is BatchNormalizationLayer norm)
            {
                Tensor factor = weights[next.Name + ".weight"] / (weights[next.Name + ".running_var"] + norm.Epsilon).sqrt();
                b = (b - weights[next.Name + ".running_mean"]) * factor + weights[next.Name + ".bias"];
                w *= factor.reshape(-1, 1, 1, 1);
            }
            return $"{Argument(w)}, {Argument(b)}";
        }
    }

    /// <summary>The output for an input of the same layout.</summary>
    public Tensor Forward(Tensor x)
    {
        arguments[0] = x;
        return (Tensor)unit.invoke("forward", arguments);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in arguments.Skip(1).Cast<Tensor>()) tensor.Dispose();
        unit.Dispose();
    }
}

namespace GpuConv.Tests;

/// <summary>A network with every kind of layer that the library has.</summary>
internal static class EveryLayer
{
    /// <summary>The network in the layers that a version of ONNX's operators has.</summary>
    public static string For(int opset)
    {
        string text = opset < 21 ? Text.Replace("groupnorm 2\n", "batchnorm\n", StringComparison.Ordinal) : Text;
        return opset < 17 ? text.Replace("layernorm\n", "batchnorm\n", StringComparison.Ordinal) : text;
    }

    public const string Text = """
        input 2x12x12
        conv 4 3x3 pad 1
        batchnorm
        relu
        groupnorm 2
        silu
        maxpool 2
        conv 4 3x3 pad 1 groups 2 no-bias
        leakyrelu 0.1
        add pool1
        layernorm
        gelu
        avgpool 3 stride 1 pad 1
        upsample 2
        concat silu1
        hardswish
        convtranspose 3 3x3 stride 2 pad 1 output-padding 1
        tanh
        dropout 0.25
        average: globalavgpool
        maximum: globalmaxpool from tanh1
        small: maxpool 8 from tanh1
        flatten
        concat average maximum
        linear 6
        sigmoid
        softmax
        linear 5
        logsoftmax

        """;
}

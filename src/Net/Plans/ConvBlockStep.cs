using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>A convolution, normalisation or none, ReLU and pooling as one step: <see cref="ConvBlock"/>.</summary>
internal sealed class ConvBlockStep : ILayerStep
{
    private readonly ConvBlock block;
    private readonly ChannelsLast input, output;
    private readonly ChannelsLast? inputGradient, outputGradient;
    private readonly Tensor<float> weight;
    private readonly Tensor<float>? bias, weightGradient, biasGradient, scaleGradient, shiftGradient;
    private readonly NormalizationTensors? normalization;

    /// <summary>Prepares the step.</summary>
    /// <param name="context">The convolution's node with the stage's tensors.</param>
    /// <param name="stage">The stage.</param>
    /// <param name="norm">The node of the batch normalisation, or null.</param>
    public ConvBlockStep(StepContext context, Stage stage, Node? norm)
    {
        var layer = (Conv2DLayer)context.Node.Layer;
        Conv2DShape shape = Stage.ShapeOf(context.Node);
        NormalizationOptions? options = norm?.Layer is BatchNormalizationLayer n ? new NormalizationOptions(n.Epsilon, n.Momentum) : null;
        block = new ConvBlock(context.Arena, shape, context.MaxBatch, options, context.Trains, context.InputGradient is not null);
        bool inputAsItIs = stage.InputChannelsLast || !ConvBlock.TakesChannelsLast(context.Device, shape);
        bool outputAsItIs = stage.OutputChannelsLast || !ConvBlock.GivesChannelsLast(context.Device);
        input = new ChannelsLast(context, context.Input, block.Input, inputAsItIs);
        output = new ChannelsLast(context, context.Output, block.Output, outputAsItIs);
        weight = context.Parameter("weight");
        bias = layer.Bias ? context.Parameter("bias") : null;
        if (norm is not null) normalization = new NormalizationTensors(Parameter("weight"), Parameter("bias"), Parameter("running_mean"), Parameter("running_var"));
        if (context.OutputGradient is not { } dy) return;
        outputGradient = new ChannelsLast(context, dy, block.Output, outputAsItIs);
        if (context.InputGradient is { } dx) inputGradient = new ChannelsLast(context, dx, block.Input, inputAsItIs);
        if (!context.Trains) return;
        weightGradient = context.Gradient("weight");
        biasGradient = layer.Bias ? context.Gradient("bias") : null;
        scaleGradient = norm is null ? null : context.Parameters.Gradient($"{norm.Name}.weight");
        shiftGradient = norm is null ? null : context.Parameters.Gradient($"{norm.Name}.bias");

        Tensor<float> Parameter(string name) => context.Parameters.Value($"{norm.Name}.{name}");
    }

    public void Forward(int batch)
    {
        block.Forward(input.Read(batch), weight, bias, normalization, output.First(batch));
        output.Write(batch);
    }

    public void Backward(int batch)
    {
        block.Backward(
            input.First(batch), weight, bias, normalization, outputGradient!.Read(batch),
            inputGradient?.First(batch), weightGradient, biasGradient, scaleGradient, shiftGradient);
        inputGradient?.Write(batch);
    }

    // A tensor of the plan as the block takes it: the same memory, or a copy with the channels last.
    private sealed class ChannelsLast(StepContext context, Tensor<float> tensor, Shape shape, bool asItIs)
    {
        private readonly Tensor<float> own = asItIs ? tensor.Reshape(shape.Prepend(context.MaxBatch)) : context.Allocate(shape.Prepend(context.MaxBatch));

        public Tensor<float> First(int batch) => own.First(batch);

        public Tensor<float> Read(int batch)
        {
            if (!asItIs) ChannelOrder.ToChannelsLast(tensor.First(batch), own.First(batch));
            return First(batch);
        }

        public void Write(int batch)
        {
            if (!asItIs) ChannelOrder.ToPlanes(own.First(batch), tensor.First(batch));
        }
    }
}

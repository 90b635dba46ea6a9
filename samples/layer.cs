#:project ../src/Net/GpuConv.Net.csproj
#:property PublishAot=false

// A layer of your own: dotnet run samples/layer.cs [IMAGES]
// Swish with a parameter for each channel (Ramachandran, Zoph and Le, 2017, arXiv 1710.05941): y = x s(b x), where s is the sigmoid; dy/dx = s + b x s (1 - s), dy/db = x^2 s (1 - s).

using GpuConv.Kernels;
using GpuConv.Net;
using ILGPU;

int images = args.Length > 0 ? int.Parse(args[0]) : 5_000;
using Device device = Device.Open();

// Alone in a network its gradients are checked: to the parameter, and to the input. A wrong sign below, and the check fails.
foreach (GradientCheckResult result in NetworkGradientCheck.Run(device, new NetworkBuilder(new Shape(3, 4, 5)).Append(new Swish()).Build()))
{
    Console.WriteLine(result);
    if (!result.Passed) Environment.ExitCode = 1;
}

// Then it is a layer like any other; registered, it is read again from networks' texts and model files. On a CPU its kernels run on all threads.
LayerKinds.Register(Swish.Kind);
DataSet data = DataSet.Load("mnist");
Network network = new NetworkBuilder(data.Train.ImageShape).Conv2D(8, 5, stride: 2).MaxPool(2).Append(new Swish()).Flatten().Linear(10).LogSoftmax().Build();
using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 2, Limit = images, Validation = 500, LearningRate = 0.005 });
trainer.EpochDone += (row, _) => Console.WriteLine($"epoch {row.Epoch}: validation accuracy {row.ValidationAccuracy:p1}");
trainer.Run();
Console.WriteLine($"the parameters it has learnt: {string.Join(' ', trainer.CurrentWeights.Arrays.Single(a => a.Name == "swish1.beta").Values.Select(b => $"{b:f2}"))}");

/// <summary>What the layer is: its name, its output's shape, its parameters. It owns no memory.</summary>
public sealed record Swish : ILayer
{
    public static LayerKind Kind { get; } = new("swish", _ => new Swish());
    public string Text => "swish";
    public string NamePrefix => "swish";
    public LayerRole Role => LayerRole.Activation;
    public Shape Infer(IReadOnlyList<Shape> inputs) => inputs[0];
    public IReadOnlyList<Parameter> Declare(IReadOnlyList<Shape> inputs) => [new Parameter("beta", new Shape(inputs[0][0]), Initialization.Ones)];
    public ILayerStep Prepare(StepContext context) => new SwishStep(context);
}

/// <summary>Its work in one plan: tensors and kernels are found when the plan is made, and only launched while it runs.</summary>
public sealed class SwishStep(StepContext context) : ILayerStep
{
    private readonly int channels = context.Node.InputShapes[0][0], size = context.Node.InputShapes[0].Count;
    private readonly Tensor<float> beta = context.Parameter("beta");
    private readonly IndexKernel<Output> forward = new(context.Device);
    private readonly IndexKernel<GradInput> gradInput = new(context.Device);
    private readonly IndexKernel<GradBeta> gradBeta = new(context.Device);

    public void Forward(int batch) => forward.Launch(batch * size, new(context.Input.View, beta.View, context.Output.View, channels, size));

    public void Backward(int batch)
    {
        Tensor<float> dy = context.OutputGradient!.Value;
        if (context.Trains) gradBeta.Launch(channels, new(context.Input.View, beta.View, dy.View, context.Gradient("beta").View, batch, size), block: 1);
        if (context.InputGradient is { } dx) gradInput.Launch(batch * size, new(context.Input.View, beta.View, dy.View, dx.View, channels, size));
    }

    public readonly struct Output(ArrayView<float> x, ArrayView<float> beta, ArrayView<float> y, int channels, int size) : IIndexKernel
    {
        public void Run(int i) => y[i] = x[i] / (1 + MathF.Exp(-beta[i % size / (size / channels)] * x[i]));
    }

    public readonly struct GradInput(ArrayView<float> x, ArrayView<float> beta, ArrayView<float> dy, ArrayView<float> dx, int channels, int size) : IIndexKernel
    {
        public void Run(int i)
        {
            float b = beta[i % size / (size / channels)], s = 1 / (1 + MathF.Exp(-b * x[i]));
            dx[i] = dy[i] * (s + b * x[i] * s * (1 - s));
        }
    }

    // One index owns a channel, and adds up over all images in order: the same bits in every run.
    public readonly struct GradBeta(ArrayView<float> x, ArrayView<float> beta, ArrayView<float> dy, ArrayView<float> dbeta, int batch, int size) : IIndexKernel
    {
        public void Run(int c)
        {
            int pixels = size / dbeta.IntLength;
            float sum = 0;
            for (int n = 0; n < batch; n++)
                for (int p = n * size + c * pixels; p < n * size + (c + 1) * pixels; p++)
                {
                    float s = 1 / (1 + MathF.Exp(-beta[c] * x[p]));
                    sum += dy[p] * x[p] * x[p] * s * (1 - s);
                }
            dbeta[c] = sum;
        }
    }
}

using GpuConv.Kernels;

namespace GpuConv.Net;

/// <summary>
/// A network prepared for one device, largest batch and purpose: every tensor allocated, every kernel loaded. Running it is a loop
/// over its steps with no decision and no allocation left.
/// </summary>
public sealed class Plan
{
    private readonly Device device;
    private readonly Stage[] stages;
    private readonly ILayerStep[] steps;
    private readonly bool[] hasGradient;
    private readonly GradientSum[][] sums;
    private readonly GradientSum[] inputSums;
    private readonly int lossStage;
    private readonly bool layerByLayer;
    private readonly Tensor<float>[] outputs;
    private readonly Tensor<float>?[] outputGradients;

    /// <summary>Prepares a network.</summary>
    /// <param name="arena">Where activations, gradients and working memory come from.</param>
    /// <param name="parameters">The network's parameters on the same device; with gradients for <see cref="PlanPurpose.Train"/>.</param>
    /// <param name="maxBatch">The largest number of images of one run.</param>
    /// <param name="purpose">What the plan is for.</param>
    /// <param name="layerByLayer">Whether every layer runs for itself and in memory of its own, so that each one's output and the gradient to it are there to be looked at; else several run as one where that is faster.</param>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public Plan(DeviceArena arena, DeviceParameters parameters, int maxBatch, PlanPurpose purpose, bool layerByLayer = false)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(maxBatch, 1);
        Network = parameters.Network;
        device = arena.Device;
        MaxBatch = maxBatch;
        Purpose = purpose;
        this.layerByLayer = layerByLayer;
        IReadOnlyList<Node> nodes = Network.Nodes;
        if (nodes.Count == 0) throw new ArgumentException("The network has no layers.", nameof(parameters));

        bool[] needsGradient = NeedsGradient(nodes, purpose);
        stages = Stage.Cut(nodes, device, purpose, i => needsGradient[i], layerByLayer);
        Input = arena.Allocate<float>(Network.InputShape.Prepend(maxBatch));
        outputs = AllocateOutputs(arena, nodes);
        Output = outputs[^1];

        // The softmax and the loss are one operator: the gradient enters before a last softmax.
        int lossNode = nodes[^1].Layer.Role == LayerRole.Softmax && nodes[^1].Inputs[0] >= 0 ? nodes[^1].Inputs[0] : nodes.Count - 1;
        lossStage = Array.FindIndex(stages, s => s.Last == lossNode);
        Scores = outputs[lossNode];
        var gradients = new Gradients(this, arena, nodes, outputs, needsGradient, lossStage);
        if (purpose != PlanPurpose.Infer) ScoresGradient = gradients.Outputs[lossNode]!.Value;
        InputGradient = gradients.Input;
        outputGradients = gradients.Outputs;
        sums = gradients.Sums;
        inputSums = gradients.InputSums;
        hasGradient = [.. stages.Select(s => gradients.Outputs[s.Last] is not null)];

        steps = new ILayerStep[stages.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            Stage stage = stages[i];
            Node first = nodes[stage.First];
            var context = new StepContext
            {
                Node = first,
                Arena = arena,
                MaxBatch = maxBatch,
                Purpose = purpose,
                Parameters = parameters,
                Plan = this,
                OutputThroughRelu = stage.Kind == StageKind.LinearRelu,
                InputIsRelu = stage.InputIsRelu,
                Inputs = [.. first.Inputs.Select(j => j < 0 ? Input : outputs[j])],
                Output = outputs[stage.Last],
                OutputGradient = gradients.Outputs[stage.Last],
                InputGradients = gradients.Inputs[i],
            };
            steps[i] = stage.Kind == StageKind.ConvBlock
                ? new ConvBlockStep(context, stage, nodes[stage.First + 1].Layer is BatchNormalizationLayer ? nodes[stage.First + 1] : null)
                : first.Layer.Prepare(context);
        }
    }

    /// <summary>The network.</summary>
    public Network Network { get; }

    /// <summary>The largest number of images of one run.</summary>
    public int MaxBatch { get; }

    /// <summary>What the plan is for.</summary>
    public PlanPurpose Purpose { get; }

    /// <summary>Where the images go, (batch, input shape).</summary>
    public Tensor<float> Input { get; }

    /// <summary>The network's output, (batch, output shape).</summary>
    public Tensor<float> Output { get; }

    /// <summary>The scores that a last softmax sees, or the output where there is none: what the loss is computed from.</summary>
    public Tensor<float> Scores { get; }

    /// <summary>Where the gradient of the loss to <see cref="Scores"/> goes before <see cref="Backward"/>; empty in plans for inference.</summary>
    public Tensor<float> ScoresGradient { get; }

    /// <summary>The gradient to the input after <see cref="Backward"/>; null in plans that do not compute it.</summary>
    public Tensor<float>? InputGradient { get; }

    /// <summary>What a layer gave in the last <see cref="Forward"/>, (batch, output shape); only in a plan made layer by layer.</summary>
    /// <param name="node">The layer's position in the network.</param>
    /// <exception cref="InvalidOperationException">Layers run together here, and what lies between them has no memory.</exception>
    public Tensor<float> OutputOf(int node) => layerByLayer ? outputs[node] : throw NotLayerByLayer();

    /// <summary>The gradient to a layer's output after <see cref="Backward"/>; null where nobody needs it. Only in a plan made layer by layer.</summary>
    /// <param name="node">The layer's position in the network.</param>
    /// <exception cref="InvalidOperationException">Layers run together here, and what lies between them has no memory.</exception>
    public Tensor<float>? GradientOf(int node) => layerByLayer ? outputGradients[node] : throw NotLayerByLayer();

    private static InvalidOperationException NotLayerByLayer() => new("Single layers' outputs are there only in a plan made layer by layer.");

    /// <summary>The seed of random layers.</summary>
    public ulong Seed { get; init; }

    /// <summary>The number of the training step, which random layers draw by.</summary>
    public uint StepNumber { get; set; }

    /// <summary>What <see cref="Backward"/> does in place of the gradient of a ReLU, for attributions. Another rule than the gradient only in a plan made layer by layer.</summary>
    /// <exception cref="InvalidOperationException">Layers run together here, some of which carry the gradient through a ReLU themselves.</exception>
    public ReluRule ReluRule
    {
        get;
        set => field = layerByLayer || value == ReluRule.Gradient ? value : throw NotLayerByLayer();
    }

    /// <summary>Runs the network on the first images of <see cref="Input"/>.</summary>
    /// <param name="batch">How many.</param>
    /// <param name="toScores">Whether to stop at <see cref="Scores"/>: a last softmax is left out.</param>
    public void Forward(int batch, bool toScores = false)
    {
        int end = toScores ? lossStage + 1 : steps.Length;
        for (int i = 0; i < end; i++)
        {
            if (device.Profile is { } profile) profile.Step = $"{stages[i].Name(Network.Nodes)} forward";
            steps[i].Forward(batch);
        }
    }

    /// <summary>Carries <see cref="ScoresGradient"/> back through the network.</summary>
    /// <param name="batch">The batch of the forward pass.</param>
    /// <param name="before">Called with each layer's position in the network when the gradient to its output is complete and before it is carried on; it may change <see cref="GradientOf"/>. Only in a plan made layer by layer.</param>
    /// <exception cref="InvalidOperationException">Layers run together here, and what lies between them has no memory.</exception>
    public void Backward(int batch, Action<int>? before = null)
    {
        if (before is not null && !layerByLayer) throw NotLayerByLayer();
        for (int i = lossStage; i >= 0; i--)
        {
            if (!hasGradient[i]) continue;
            if (device.Profile is { } profile) profile.Step = $"{stages[i].Name(Network.Nodes)} backward";
            foreach (GradientSum sum in sums[i]) sum.Run(batch);
            before?.Invoke(i);
            steps[i].Backward(batch);
        }
        foreach (GradientSum sum in inputSums) sum.Run(batch);
    }

    // The gradient to an output is needed if it, or something before it, has parameters to train, or the input's gradient is asked for.
    private static bool[] NeedsGradient(IReadOnlyList<Node> nodes, PlanPurpose purpose)
    {
        var needed = new bool[nodes.Count];
        for (int i = 0; i < nodes.Count; i++)
            needed[i] = purpose == PlanPurpose.InputGradient || nodes[i].Parameters.Any(p => p.IsTrainable) || nodes[i].Inputs.Any(j => j >= 0 && needed[j]);
        return needed;
    }

    // What lies between the layers of a stage has no memory. A layer that can runs in the memory of its input, if it is the only reader and nobody needs the input again.
    private Tensor<float>[] AllocateOutputs(DeviceArena arena, IReadOnlyList<Node> nodes)
    {
        var outputs = new Tensor<float>[nodes.Count];
        foreach (Stage stage in stages)
        {
            int i = stage.Last;
            Shape shape = nodes[i].OutputShape.Prepend(MaxBatch);
            outputs[i] = stage.Kind == StageKind.Layer && SharesInput(nodes, i) ? outputs[nodes[i].Inputs[0]].Reshape(shape) : arena.Allocate<float>(shape);
        }
        return outputs;
    }

    private bool SharesInput(IReadOnlyList<Node> nodes, int i)
    {
        int input = nodes[i].Inputs[0];
        if (layerByLayer && nodes[i].Layer.Role != LayerRole.Reshape) return false;
        if (!nodes[i].Layer.RunsInPlace || input < 0) return false;
        bool onlyReader = nodes.Count(n => n.Inputs.Contains(input)) == 1;
        // Reshaping writes nothing, so it may share even what is read again.
        return onlyReader && (!nodes[input].Layer.KeepsOutput || nodes[i].Layer.Role == LayerRole.Reshape);
    }

    /// <summary>Adds the gradients that several readers of one output give.</summary>
    private sealed class GradientSum(Device device, Tensor<float> total, Tensor<float> part)
    {
        private readonly Elementwise elementwise = new(device);

        public void Run(int batch) => elementwise.Add(total.First(batch), part.First(batch), total.First(batch));
    }

    /// <summary>Which gradients are computed, and where they lie.</summary>
    private sealed class Gradients
    {
        public Gradients(Plan plan, DeviceArena arena, IReadOnlyList<Node> nodes, Tensor<float>[] outputs, bool[] needed, int lossStage)
        {
            Stage[] stages = plan.stages;
            Outputs = new Tensor<float>?[nodes.Count];
            Inputs = [.. stages.Select(s => new Tensor<float>?[nodes[s.First].Inputs.Count])];
            Sums = [.. stages.Select(_ => Array.Empty<GradientSum>())];
            if (plan.Purpose == PlanPurpose.Infer) return;

            int lossNode = stages[lossStage].Last;
            Outputs[lossNode] = arena.Allocate<float>(outputs[lossNode].Shape);
            var inputParts = new List<Tensor<float>>();
            for (int i = lossStage; i >= 0; i--)
            {
                if (Outputs[stages[i].Last] is not { } dy) continue;
                for (int j = 0; j < Inputs[i].Length; j++)
                {
                    int source = nodes[stages[i].First].Inputs[j];
                    if (source >= 0 && !needed[source]) continue;
                    if (source < 0 && plan.Purpose != PlanPurpose.InputGradient) continue;
                    Tensor<float> gradient = source >= 0 && outputs[source].SharesMemoryWith(outputs[stages[i].Last])
                        ? dy.Reshape(outputs[source].Shape)
                        : arena.Allocate<float>((source < 0 ? plan.Input : outputs[source]).Shape);
                    Inputs[i][j] = gradient;
                    if (source < 0) inputParts.Add(gradient);
                    else if (Outputs[source] is not { } total) Outputs[source] = gradient;
                    else
                    {
                        int stage = Array.FindIndex(stages, s => s.Last == source);
                        Sums[stage] = [.. Sums[stage], new GradientSum(arena.Device, total, gradient)];
                    }
                }
            }
            if (inputParts.Count > 0) Input = inputParts[0];
            InputSums = [.. inputParts.Skip(1).Select(part => new GradientSum(arena.Device, inputParts[0], part))];
        }

        public Tensor<float>?[] Outputs { get; }

        public Tensor<float>?[][] Inputs { get; }

        public GradientSum[][] Sums { get; }

        public Tensor<float>? Input { get; }

        public GradientSum[] InputSums { get; } = [];
    }
}

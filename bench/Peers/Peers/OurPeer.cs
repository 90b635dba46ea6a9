using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Peers;

/// <summary>This library, by its public API.</summary>
internal sealed class OurPeer(int threads) : IPeer
{
    private readonly Device device = Device.Open("cpu", threads);

    public string Description =>
        $"{typeof(Device).Assembly.GetName().Version?.ToString(3)} on {device.Name}, {device.Threads} threads, {(device.SimdBits > 0 ? $"{device.SimdBits}-bit vectors" : "no vectors")}";

    public IReadOnlyList<Variant> Variants(Case work) => [new Variant("as it comes", () => Prepare(work))];

    public void Dispose() => device.Dispose();

    private IPrepared Prepare(Case work) => work.Work switch
    {
        Work.Train => new Training(device, work),
        Work.Infer => Inference(work),
        Work.Attack => Attack(work),
        _ => work.Network.Nodes[0].Layer is Conv2DLayer layer ? Convolution(work, layer.ShapeFor(work.Network.InputShape)) : Linear(work),
    };

    private PreparedAction Inference(Case work)
    {
        var arena = new DeviceArena(device);
        var parameters = new DeviceParameters(arena, work.Network, withGradients: false);
        parameters.Load(Inputs.Weights(work.Network));
        var plan = new Plan(arena, parameters, work.Batch, PlanPurpose.Infer);
        plan.Input.CopyFrom(Inputs.X(work));
        return new PreparedAction(
            () =>
            {
                plan.Forward(work.Batch);
                device.Synchronize();
            },
            () => Sample.Of(plan.Output.ToArray()), arena);
    }

    private PreparedAction Attack(Case work)
    {
        var attacker = new Attacker(device, Inputs.ModelOf(work), work.Batch);
        LabelledImages images = Inputs.Recognised(work);
        var attack = new Pgd { Epsilon = Case.Epsilon, Alpha = Case.Alpha, Steps = Case.AttackSteps };
        return new PreparedAction(() => attacker.Run(attack, images), () => Gradient(work, images), attacker);
    }

    // What attacks follow; the images themselves differ where a gradient is within rounding of zero.
    private float[] Gradient(Case work, LabelledImages images)
    {
        using var network = new InputGradients(device, Inputs.ModelOf(work), work.Batch);
        using var arena = new DeviceArena(device);
        Tensor<int> labels = arena.Allocate<int>(new Shape(work.Batch));
        labels.CopyFrom(images.Labels);
        network.Input.CopyFrom(Inputs.X(work));
        network.Forward(work.Batch);
        new SoftmaxCrossEntropy(device).ForwardBackward(network.Scores, labels, 1, arena.Allocate<float>(new Shape(work.Batch)), network.ScoresGradient);
        network.Backward(work.Batch);
        return Sample.Of(network.Gradient.ToArray());
    }

    private PreparedAction Convolution(Case work, Conv2DShape shape)
    {
        var arena = new DeviceArena(device);
        var conv = new Conv2D(arena, shape, work.Batch);
        Operands o = new(arena, work);
        return new PreparedAction(
            () =>
            {
                conv.Forward(o.X, o.W, o.B, o.Y);
                if (work.Work == Work.ForwardBackward)
                {
                    conv.GradWeight(o.X, o.Dy, o.Dw);
                    conv.GradBias(o.Dy, o.Db);
                    if (work.NeedsInputGradient) conv.GradInput(o.Dy, o.W, o.Dx);
                }
                device.Synchronize();
            },
            () => o.Results(work), arena);
    }

    private PreparedAction Linear(Case work)
    {
        var arena = new DeviceArena(device);
        var linear = new Linear(arena, work.Network.InputShape.Count, work.Network.OutputShape.Count, work.Batch);
        Operands o = new(arena, work);
        return new PreparedAction(
            () =>
            {
                linear.Forward(o.X, o.W, o.B, o.Y);
                if (work.Work == Work.ForwardBackward)
                {
                    linear.GradWeight(o.X, o.Dy, o.Dw);
                    linear.GradBias(o.Dy, o.Db);
                    linear.GradInput(o.Dy, o.W, o.Dx);
                }
                device.Synchronize();
            },
            () => o.Results(work), arena);
    }

    /// <summary>The tensors of a single operator.</summary>
    private sealed class Operands
    {
        public readonly Tensor<float> X, W, B, Y, Dy, Dx, Dw, Db;

        public Operands(DeviceArena arena, Case work)
        {
            Weights weights = Inputs.Weights(work.Network);
            Shape x = work.Network.InputShape.Prepend(work.Batch), y = work.Network.OutputShape.Prepend(work.Batch);
            Tensor<float> Filled(Shape shape, float[] values)
            {
                Tensor<float> tensor = arena.Allocate<float>(shape);
                tensor.CopyFrom(values);
                return tensor;
            }
            X = Filled(x, Inputs.X(work));
            W = Filled(new Shape(weights.Arrays[0].Shape), weights.Arrays[0].Values);
            B = Filled(new Shape(weights.Arrays[1].Shape), weights.Arrays[1].Values);
            Dy = Filled(y, Inputs.Dy(work));
            Y = arena.Allocate<float>(y);
            Dx = arena.Allocate<float>(x);
            Dw = arena.Allocate<float>(W.Shape);
            Db = arena.Allocate<float>(B.Shape);
        }

        public float[] Results(Case work)
        {
            float[] y = Sample.Of(Y.ToArray());
            if (work.Work == Work.Forward) return y;
            float[] dx = work.NeedsInputGradient ? Sample.Of(Dx.ToArray()) : [];
            return [.. y, .. dx, .. Sample.Of(Dw.ToArray()), .. Sample.Of(Db.ToArray())];
        }
    }

    /// <summary>Training by the public trainer, stopped after as many steps as are asked for and continued at the next call.</summary>
    private sealed class Training : IPrepared
    {
        private readonly Trainer trainer;
        private double[] milliseconds = [];
        private int done;
        private long before;
        private CancellationTokenSource stop = new();

        public Training(Device device, Case work)
        {
            // A number of images that both batches divide, in the file's order: what the others get too.
            var options = new TrainingOptions { Epochs = int.MaxValue / 2, Batch = work.Batch, LearningRate = 1e-3, Validation = 0, Limit = 57600, Shuffle = false };
            trainer = new Trainer(device, work.Network, Inputs.Data, options, Inputs.Weights(work.Network));
            trainer.StepDone += OnStep;
        }

        /// <summary>Mean losses of the first step, the first two, and so on.</summary>
        public float[] Results()
        {
            var means = new float[Sample.Losses];
            for (int i = 0; i < means.Length; i++)
            {
                using (stop = new CancellationTokenSource())
                {
                    done = int.MaxValue;
                    trainer.Run(stop.Token);
                }
                means[i] = (float)trainer.RunningScore().Loss;
            }
            return means;
        }

        public void Run(double[] milliseconds)
        {
            using (stop = new CancellationTokenSource())
            {
                this.milliseconds = milliseconds;
                // The first step of a call pays for its start, and is left out, as is that of an epoch.
                done = -1;
                trainer.Run(stop.Token);
            }
        }

        public void Dispose() => trainer.Dispose();

        private void OnStep(TrainingPosition position)
        {
            long now = Stopwatch.GetTimestamp();
            if (done < 0) done = 0;
            else if (done < milliseconds.Length && position.Step > 1) milliseconds[done++] = Stopwatch.GetElapsedTime(before, now).TotalMilliseconds;
            if (done >= milliseconds.Length) stop.Cancel();
            before = Stopwatch.GetTimestamp();
        }
    }
}

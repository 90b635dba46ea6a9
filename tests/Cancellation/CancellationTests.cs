using System.Reflection;
using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.Studies;

namespace GpuConv.Tests;

/// <summary>What takes long stops when it is cancelled, and what was stopped can be used again, with the same results as if nothing had been.</summary>
public class CancellationTests
{
    private static readonly DataSet Data = SmallData.Create();
    private static readonly LabelledImages Images = Data.Test;
    private static readonly Lazy<Model> Trained = new(() => TrainedModel.Of(Data));

    // By the type and name of the method: makes something, and gives what runs on it with a token.
    private static readonly Dictionary<string, Func<(IDisposable? Owner, Func<CancellationToken, object> Run)>> Operations = new()
    {
        ["Predictor.Probabilities"] = () => On(new Predictor(Cpu, Trained.Value, 16), (p, token) => p.Probabilities(Images.Pixels, token)),
        ["Predictor.Evaluate"] = () => On(new Predictor(Cpu, Trained.Value, 16), (p, token) => p.Evaluate(Images, token).Confidence),
        ["NoisyPredictor.Probabilities"] = () => On(new NoisyPredictor(Cpu, Trained.Value, 16), (p, token) => p.Probabilities(Images, new float[Images.ImageSize], token)),
        ["Attacker.Run"] = () => On(new Attacker(Cpu, Trained.Value, 16), (a, token) => a.Run(new Pgd { Epsilon = 0.1f, Steps = 3 }, Images, cancellation: token).Pixels),
        ["Attacker.Predict"] = () => On(new Attacker(Cpu, Trained.Value, 16), (a, token) => a.Predict([.. Images.Pixels.Select(p => p / 255f)], token)),
        ["Attacker.VanishedGradients"] = () => On(new Attacker(Cpu, Trained.Value, 16), (a, token) => a.VanishedGradients(Images, token)),
        ["RobustnessCurve.Run"] = () => On(new Attacker(Cpu, Trained.Value, 16), (a, token) => RobustnessCurve.Run(a, e => Pgd.Fgsm(e), [0.1f, 0.2f], Images, cancellation: token).ToString()!),
        ["ActivationMaximization.Run"] = () => On(new ActivationMaximization(Cpu, Trained.Value, 3), (a, token) => a.Run(new float[3 * Images.ImageSize], [0, 1, 2], new MaximizationOptions { Steps = 4 }, cancellation: token).Scores),
        ["TargetImageAttack.Run"] = () => On(new TargetImageAttack(Cpu, Trained.Value, 1), (a, token) => a.Run(new float[Images.ImageSize], new float[Images.ImageSize], [1], [1], new TargetImageOptions { Steps = 4 }, cancellation: token).Pixels),
        ["UniversalPerturbation.Learn"] = () => On(new UniversalPerturbation(Cpu, Trained.Value, 8), (u, token) => u.Learn(Images, new UniversalOptions { Epsilon = 0.1f, Steps = 4, Batch = 8 }, cancellation: token)),
        ["AttributionNetwork.Scores"] = () => On(Attributed(), (n, token) => n.Scores(Inputs, token)),
        ["AttributionNetwork.Gradients"] = () => On(Attributed(), (n, token) => n.Gradients(Inputs, Targets, cancellation: token)),
        ["IntegratedGradients.Differences"] = () => On(Attributed(), (n, token) => new IntegratedGradients { Steps = 4 }.Differences(n, Inputs, Targets, token)),
        ["LayerwiseRelevance.Propagate"] = () => On(Attributed(), (n, token) => new LayerwiseRelevance().Propagate(n, Inputs, Targets, token).Attributions.Values),
        ["DataSet.Load"] = () => On(Pictures(), (folder, token) => DataSet.Load(folder.Path, new DataReading { Decode = ImageInput.Decode }, token).Train.Pixels),
        ["OnnxGraph.Run"] = () => (null, token => OnnxGraph.Load(Path.Combine(Relu, "model.onnx")).Run(Cpu, new Dictionary<string, OnnxArray> { ["x"] = OnnxArrayFile.Read(Path.Combine(Relu, "test_data_set_0", "input_0.pb")) }, cancellation: token)[0].Floats),
        ["OnnxTest.Run"] = () => (null, token => OnnxTest.Run(Cpu, Relu, "relu", cancellation: token)),
        ["DeviceCeilings.Measure"] = () => (null, token => token.CanBeCanceled ? DeviceCeilings.Measure(Cpu, token) : ""),
    };

    private static readonly IAttribution[] Attributions =
    [
        new Saliency(), new GradientTimesInput(), new SmoothGrad { Samples = 3 }, new IntegratedGradients { Steps = 4 }, new GuidedBackpropagation(), new Deconvolution(), new GradCam(), new LayerwiseRelevance(),
        new OcclusionAttribution(),
    ];

    public static TheoryData<string> Names => [.. Operations.Keys, .. Attributions.Select(a => $"{a.GetType().Name}.Attribute")];

    private static Device Cpu => TestDevices.Get("cpu");

    private static string Relu => BackendTests.Of("node/test_relu");

    private static float[] Inputs => Trained.Value.Normalised(Images.Pixels);

    private static int[] Targets => Images.Labels;

    [Theory, MemberData(nameof(Names))]
    public void What_is_cancelled_throws_and_can_be_used_again(string name)
    {
        (IDisposable? owner, Func<CancellationToken, object> run) = Operations.TryGetValue(name, out var make)
            ? make()
            : On(Attributed(), (n, token) => Attributions.Single(a => name.StartsWith(a.GetType().Name + ".", StringComparison.Ordinal)).Attribute(n, Inputs, Targets, token).Values);
        using (owner)
        {
            object before = run(default);
            Assert.ThrowsAny<OperationCanceledException>(() => run(new CancellationToken(canceled: true)));
            Assert.Equal(before, run(default));
        }
    }

    [Fact]
    public void Every_public_operation_with_a_token_is_tried_here()
    {
        // Trainings stop without an exception, and have tests of their own.
        string[] others = ["Trainer.Run", "Trainer.RunUntil", "IAttribution.Attribute"];
        IEnumerable<string> found = new[] { typeof(Network).Assembly, typeof(Device).Assembly }
            .SelectMany(a => a.GetExportedTypes())
            .SelectMany(t => t.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(m => m.GetParameters().Any(p => p.ParameterType == typeof(CancellationToken)))
            .Select(m => $"{m.DeclaringType!.Name}.{m.Name}");
        Assert.Equal(found.Distinct().Except(others).Order(), Operations.Keys.Concat(Attributions.Select(a => $"{a.GetType().Name}.Attribute")).Order());
    }

    [Fact]
    public void Steps_stop_where_they_are_cancelled()
    {
        using var maximization = new ActivationMaximization(Cpu, Trained.Value, 1);
        int last = Stopped((progress, token) => maximization.Run(new float[Images.ImageSize], [0], new MaximizationOptions { Steps = 1000 }, progress: progress, cancellation: token));
        Assert.Equal(3, last);
        using var target = new TargetImageAttack(Cpu, Trained.Value, 1);
        Assert.Equal(3, Stopped((progress, token) => target.Run(new float[Images.ImageSize], new float[Images.ImageSize], [1], [1], new TargetImageOptions { Steps = 1000 }, progress, token)));
        using var universal = new UniversalPerturbation(Cpu, Trained.Value, 8);
        Assert.Equal(3, Stopped((progress, token) => universal.Learn(Images, new UniversalOptions { Epsilon = 0.1f, Steps = 1000, Batch = 8 }, progress, token)));

        static int Stopped(Action<Action<int>, CancellationToken> run)
        {
            using var cancellation = new CancellationTokenSource();
            int last = 0;
            Assert.ThrowsAny<OperationCanceledException>(() => run(step => { last = step; if (step == 3) cancellation.Cancel(); }, cancellation.Token));
            return last;
        }
    }

    public static TheoryData<int> Attacks => [.. Enumerable.Range(0, AttackTests.Every(0.1f).Count())];

    [Theory, MemberData(nameof(Attacks))]
    public void Every_attack_stops_at_its_next_step_and_leaves_nothing_behind(int which)
    {
        IAttack attack = AttackTests.Every(0.1f).ElementAt(which);
        using var attacker = new Attacker(Cpu, Trained.Value, 16);
        float[] before = attacker.Run(attack, Images).Pixels;
        using var cancellation = new CancellationTokenSource();
        var stopping = new StoppedAttack(attack, cancellation);
        Assert.ThrowsAny<OperationCanceledException>(() => attacker.Run(stopping, Images, cancellation: cancellation.Token));
        Assert.False(stopping.WentOn);
        Assert.Equal(before, attacker.Run(attack, Images).Pixels);
    }

    [Theory(SkipTestWithoutData = true), MemberData(nameof(TestDevices.ForTraining), MemberType = typeof(TestDevices))]
    public void A_training_that_is_cancelled_before_its_validation_goes_on_with_that(string deviceName)
    {
        Device device = TestDevices.Get(deviceName);
        using var whole = new Trainer(device, SmallData.Network(), Data, SmallData.Options);
        whole.Run();

        // After the last step of the second epoch: the evaluation is what is cancelled.
        using var cancellation = new CancellationTokenSource();
        using var stopped = new Trainer(device, SmallData.Network(), Data, SmallData.Options);
        TrainingState? state = null;
        stopped.StepDone += at => { if (at.Epoch == 2 && at.Step == at.Steps) cancellation.Cancel(); };
        stopped.StateDue += s => state = s;
        Assert.Equal(TrainingEnd.Interrupted, stopped.Run(cancellation.Token));
        Assert.Equal((1, stopped.StepsPerEpoch, 1), (state!.Epoch, state.StepInEpoch, stopped.History.Count));

        using var resumed = new Trainer(device, SmallData.Network(), Data, SmallData.Options);
        resumed.Restore(state);
        Assert.Equal(TrainingEnd.Finished, resumed.Run());
        Assert.Equal(TrainingEnd.Finished, stopped.Run());
        foreach (Trainer trainer in (Trainer[])[resumed, stopped])
        {
            Assert.Equal(whole.History.Select(r => (r.Epoch, r.TrainLoss, r.ValidationLoss)), trainer.History.Select(r => (r.Epoch, r.TrainLoss, r.ValidationLoss)));
            Assert.Equal(whole.CurrentWeights.Arrays.SelectMany(a => a.Values), trainer.CurrentWeights.Arrays.SelectMany(a => a.Values));
        }
    }

    private static TemporaryFolder Pictures()
    {
        var folder = new TemporaryFolder();
        PictureFolder.Write(folder.Path, ["one", "two"], 5, 8, colour: false);
        return folder;
    }

    private static AttributionNetwork Attributed() => new(Cpu, Trained.Value, 16);

    private static (IDisposable?, Func<CancellationToken, object>) On<T>(T owner, Func<T, CancellationToken, object> run) where T : IDisposable => (owner, token => run(owner, token));

    // Cancels when it begins, as a user might at any time.
    private sealed class StoppedAttack(IAttack attack, CancellationTokenSource cancellation) : IAttack
    {
        public bool WentOn { get; private set; }

        public string Name => attack.Name;

        public PerturbationNorm Norm => attack.Norm;

        public float? Epsilon => attack.Epsilon;

        public bool IsMinimal => attack.IsMinimal;

        public void Perturb(AttackBatch batch, int restart)
        {
            cancellation.Cancel();
            attack.Perturb(batch, restart);
            WentOn = true;
        }
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Tests;

public class ProfileTests
{
    private static readonly string[] Steps =
        ["batch gather", "conv1 forward", "relu1 forward", "pool1 forward", "flatten1 forward", "fc1 forward", "loss", "fc1 backward", "pool1 backward", "relu1 backward", "conv1 backward", "optimizer"];

    [Theory, MemberData(nameof(TestDevices.All), MemberType = typeof(TestDevices))]
    public void Every_step_of_a_training_is_recorded_and_kernels_where_they_are_ours(string name)
    {
        var profile = new Profile();
        Train(TestDevices.Get(name), profile, steps: 2);
        IReadOnlyList<ProfileTotal> totals = profile.Totals;
        ProfileTotal[] steps = [.. totals.Where(t => t is { Pass: "training step", Kernel: "" } && t.Step.Length > 0)];
        Assert.Superset(Steps.ToHashSet(), steps.Select(s => s.Step).ToHashSet());
        Assert.All(steps, s => Assert.Equal(2, s.Count));
        Assert.Equal(2, totals.Single(t => t is { Pass: "training step", Step: "" }).Count);
        Assert.Equal(1, totals.Single(t => t is { Pass: "evaluation", Step: "" }).Count);
        Assert.Equal(name == "cpu", totals.Any(t => t is { Step: "optimizer", Kernel: "Adam.Kernel" }));
        Assert.All(profile.Events, e => Assert.True(e.End >= e.Start));
    }

    [Fact]
    public void Steps_lie_within_passes_and_their_times_add_up_to_no_more()
    {
        var profile = new Profile();
        Train(TestDevices.Get("cpu"), profile, steps: 10);
        foreach (ProfileEvent pass in profile.Events.Where(e => e.Step.Length == 0))
        {
            ProfileEvent[] parts = [.. profile.Events.Where(e => (e.Pass, e.Number) == (pass.Pass, pass.Number) && e.Step.Length > 0)];
            Assert.All(parts, e => Assert.True(e.Start >= pass.Start && e.End <= pass.End));
            Assert.InRange(parts.Where(e => e.Kernel.Length == 0).Sum(e => e.Seconds), 0, pass.Seconds * (1 + 1e-9));
            // Each kernel in a step of its name.
            foreach (ProfileEvent kernel in parts.Where(e => e.Kernel.Length > 0))
                Assert.Contains(parts, s => s.Kernel.Length == 0 && s.Step == kernel.Step && s.Start <= kernel.Start && s.End >= kernel.End);
        }
    }

    [Fact]
    public void Only_the_window_is_kept_and_all_is_counted()
    {
        var profile = new Profile(firstTraced: 3, traced: 2);
        Train(TestDevices.Get("cpu"), profile, steps: 10);
        Assert.Equal([3, 4], profile.Events.Select(e => e.Number).Distinct());
        Assert.Equal(10, profile.Totals.Single(t => t is { Pass: "training step", Step: "" }).Count);
    }

    // One evaluation follows the steps.
    private static void Train(Device device, Profile profile, int steps)
    {
        const int batch = 8;
        DataSet data = SmallData.Create(train: (steps + 1) * batch);
        // Pooled by more than a block does, so that every device runs it layer by layer.
        Network network = new NetworkBuilder(new Shape(1, 8, 8)).Conv2D(2, 3, padding: 1).Relu().MaxPool(4).Flatten().Linear(3).LogSoftmax().Build();
        using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 1, Batch = batch, Validation = batch });
        device.Profile = profile;
        try
        {
            trainer.Run(TestContext.Current.CancellationToken);
        }
        finally
        {
            device.Profile = null;
        }
    }
}

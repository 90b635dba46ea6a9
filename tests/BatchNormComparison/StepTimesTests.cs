using GpuConv.Kernels;
using GpuConv.Studies;

namespace GpuConv.Tests;

public class StepTimesTests
{
    [Fact]
    public void The_parts_make_up_the_step_and_normalisation_shows_in_its_kernels()
    {
        using Device device = Device.Open("cpu", 1);
        IReadOnlyList<StepTime> times = StepTimes.Measure(device, SmallData.Create(), new TrainSettings { Batch = 8 }, 160, TestContext.Current.CancellationToken);
        Assert.Null(device.Profile);
        foreach (bool batchNorm in (bool[])[false, true])
        {
            StepTime[] own = [.. times.Where(t => t.BatchNorm == batchNorm)];
            StepTime whole = own[0];
            Assert.Equal(("", "", 1.0, 1.0), (whole.Step, whole.Kernel, whole.Runs, whole.Share));
            StepTime[] parts = [.. own.Where(t => t.Step.Length > 0 && t.Kernel.Length == 0)];
            Assert.Contains(parts, t => t.Step == "conv2..pool2 backward");
            Assert.InRange(parts.Sum(t => t.Milliseconds), 0.5 * whole.Milliseconds, whole.Milliseconds * 1.0001);
            Assert.All(own, t => Assert.Equal(t.Milliseconds / whole.Milliseconds, t.Share, 6));
            Assert.Equal(batchNorm, own.Any(t => t.Kernel.Contains("Normalized", StringComparison.Ordinal)));
        }
    }
}

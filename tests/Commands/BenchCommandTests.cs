using System.Diagnostics;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Studies;
using static GpuConv.Tests.GpuConvProgram;

namespace GpuConv.Tests;

public class BenchCommandTests
{
    [Theory]
    [InlineData("cpu", "--batch 3 --image-size 8,12 --thread-list 1,2 --only fc3", 8, 8, 4)]
    [InlineData("simulated", "--what inference", 0, 2, 0)]
    [InlineData("simulated", "--what kernels --only loss", 0, 0, 4)]
    public void The_JSON_holds_sane_figures(string device, string options, int steps, int inferences, int kernels)
    {
        Output output = Run(["bench", "--device", device, "--seconds", "0.01", "--json", "--quiet", .. options.Split(' ')]);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Equal("", output.Error);
        JsonElement result = JsonDocument.Parse(output.Standard).RootElement;
        Assert.Equal(1, result.GetProperty("schema").GetInt32());
        Assert.Equal(device, result.GetProperty("device").GetProperty("kind").GetString());
        JsonElement ceilings = result.GetProperty("ceilings");
        Assert.True(ceilings.GetProperty("gigaflops_per_second").GetDouble() > 0);
        foreach ((string part, int passes) in new[] { ("steps", steps), ("inference", inferences) })
        {
            JsonElement[] rows = [.. result.GetProperty(part).EnumerateArray()];
            Assert.Equal(passes, rows.Length);
            Assert.Equal(passes, rows.Select(r => (r.GetProperty("threads").GetInt32(), r.GetProperty("image_size").GetInt32(), r.GetProperty("batch_norm").GetBoolean())).Distinct().Count());
            foreach (JsonElement row in rows)
            {
                Timed(row);
                Assert.Equal(row.GetProperty("batch").GetInt32() / row.GetProperty("milliseconds").GetDouble() * 1e3, row.GetProperty("images_per_second").GetDouble(), 1e-6 * row.GetProperty("images_per_second").GetDouble());
            }
        }
        JsonElement[] timed = [.. result.GetProperty("kernels").EnumerateArray()];
        Assert.Equal(kernels, timed.Length);
        foreach (JsonElement kernel in timed)
        {
            Timed(kernel);
            double seconds = kernel.GetProperty("milliseconds").GetDouble() / 1e3, flops = kernel.GetProperty("flops").GetInt64();
            Assert.Equal(flops / seconds / 1e9, kernel.GetProperty("gigaflops_per_second").GetDouble(), 1e-6 * flops / seconds / 1e9);
            Assert.Contains(kernel.GetProperty("ceiling").GetString(), (string[])["arithmetic", "copy", "launch"]);
            Assert.Contains(ceilings.GetProperty("copies").EnumerateArray(), c => c.GetProperty("bytes").GetInt64() == kernel.GetProperty("copy_bytes").GetInt64());
        }
    }

    [Fact]
    public void The_table_fits_80_columns_and_a_folder_gets_the_JSON()
    {
        using var folder = new TemporaryFolder();
        Output output = Run("bench", "--device", "cpu", "--seconds", "0.01", "--batch", "1", "--only", "conv2", "--out", folder["out"]);
        Assert.True(output.ExitCode == 0, output.Error);
        Assert.Contains("conv2: 32x14x14 to 32x14x14, 3x3, batch 64", output.Standard);
        Assert.Contains("training step", output.Standard);
        Assert.All(output.Standard.Split('\n'), line => Assert.True(line.Length <= 80, $"{line.Length} columns: {line}"));
        Assert.DoesNotContain('\u001b', output.Standard + output.Error);
        // Four passes of the convolution alone, and as many of the fused block.
        Assert.Equal(8, JsonDocument.Parse(File.ReadAllText(folder["out/bench.json"])).RootElement.GetProperty("kernels").GetArrayLength());
    }

    // The references in the benchmark are code like any other: here each meets a kernel that the operators' own tests have checked.
    [Theory, MemberData(nameof(TestDevices.ForNetworks), MemberType = typeof(TestDevices))]
    public void Every_kernel_passes_its_check(string name)
    {
        Device device = TestDevices.Get(name);
        // In the short form those of a tiny network, in which every reference occurs.
        foreach (KernelCase kernel in KernelCases.For(TestScope.IsExhaustive ? device.Kind : DeviceKind.Simulated))
        {
            using var arena = new DeviceArena(device);
            PreparedKernel prepared = kernel.Prepare(arena);
            prepared.Run();
            foreach (SampledOutput output in prepared.Outputs) output.Verify(kernel, MathMode.Fp32);
            Assert.True(kernel.Bytes > 0 && kernel.Flops >= 0);
        }
    }

    [Theory]
    [InlineData(0.001f)]
    [InlineData(float.NaN)]
    public void A_kernel_that_is_wrong_in_one_element_is_not_timed(float error)
    {
        Device device = TestDevices.Get("cpu");
        int runs = 0;
        var wrong = new KernelCase("relu: made up", "forward", 1, 1, arena =>
        {
            Operand x = Operand.Random(arena, new Shape(20));
            Tensor<float> y = Operand.Result(arena, x.Tensor.Shape);
            return new PreparedKernel(
                () =>
                {
                    runs++;
                    y.CopyFrom([.. x.Values.Select((v, i) => Math.Max(0, v) + (i == 11 ? error : 0))]);
                },
                new SampledOutput("y", y, i => ReferenceSum.Of(Math.Max(0, x[i]))));
        });
        var e = Assert.Throws<WrongResultException>(() => Benchmark.TimeKernel(device, wrong, 0.01, TestContext.Current.CancellationToken));
        Assert.Contains("relu: made up, forward: element 11 of y", e.Message);
        Assert.Equal(1, runs);
    }

    [Fact]
    public void Interrupted_it_says_so()
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()) Assert.Skip("Signals are sent by the kill command.");
        using Process process = Start("bench", "--device", "cpu", "--what", "steps", "--seconds", "300");
        Assert.Equal("1 of 7: the device's ceilings", process.StandardError.ReadLine());
        // Not SIGINT, which a program started in the background may have been told to ignore.
        using (Process kill = Process.Start("kill", ["-TERM", $"{process.Id}"])) kill.WaitForExit();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("gpuconv: Interrupted.", process.StandardError.ReadToEnd());
        Assert.Equal("", process.StandardOutput.ReadToEnd());
    }

    private static void Timed(JsonElement row)
    {
        double median = row.GetProperty("milliseconds").GetDouble();
        Assert.True(median > 0);
        Assert.InRange(median, row.GetProperty("quartiles")[0].GetDouble(), row.GetProperty("quartiles")[1].GetDouble());
        Assert.True(row.GetProperty("samples").GetInt32() >= 1);
    }
}

using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>Convolution on GPUs in every tile: the small cases of the other tests always take the smallest.</summary>
public class Conv2DTilesTests
{
    public static TheoryData<string, string> Tiles => TiledGemmTests.Tiles;

    private static readonly Dictionary<(string Device, Conv2DShape Shape), float[][]> Chosen = [];

    // Groups, strides, dilation, paddings and edges that no tile divides; the last with images of a multiple of four pixels and aligned weights.
    private static readonly (Conv2DShape, int Batch)[] Cases =
    [
        (Conv2DCases.Make(10, 7, 6, 14, 3, 2) with { Groups = 2, StrideHeight = 2, StrideWidth = 3, DilationHeight = 2, PadTop = 2, PadLeft = 1, PadRight = 2 }, 3),
        (Conv2DCases.Make(5, 6, 7, 33, 3, 3) with { DilationWidth = 2, PadTop = 1, PadBottom = 1, PadLeft = 2, PadRight = 1 }, 2),
        (Conv2DCases.Make(8, 6, 6, 36, 3, 3) with { PadTop = 1, PadBottom = 1, PadLeft = 1, PadRight = 1 }, 8),
    ];

    [Theory, MemberData(nameof(Tiles))]
    public void Every_pass_matches_the_reference_and_the_bits_of_the_other_tiles(string deviceName, string tileName)
    {
        Device device = TestDevices.Get(deviceName);
        GemmTile tile = Enum.Parse<GemmTile>(tileName);
        foreach ((Conv2DShape s, int batch) in TestScope.OneOf((int)tile, Cases))
        {
            using var arena = new DeviceArena(device);
            var random = new Random(batch);
            double[] x = Values.Normal(random, batch * s.Input.Count), w = Values.Normal(random, s.Weights.Count), b = Values.Normal(random, s.OutChannels), dy = Values.Normal(random, batch * s.Output.Count);
            float[][] forced = Passes(arena, new Conv2DGpu(arena, s, batch, tile), s, batch, x, w, b, dy);
            if (!Chosen.TryGetValue((deviceName, s), out float[][]? chosen)) Chosen[(deviceName, s)] = chosen = Passes(arena, new Conv2DGpu(arena, s, batch), s, batch, x, w, b, dy);
            string name = $"{new Conv2DCase(s, batch)}, {tile}";
            Check.Close(ReferenceConvolution.Forward(s, batch, x, w, b), forced[0], Tolerance.Product(device, s.ReductionLength), $"{name}, y");
            Check.Close(ReferenceConvolution.GradInput(s, batch, dy, w), forced[1], Tolerance.Product(device, s.GroupOutChannels * s.KernelHeight * s.KernelWidth), $"{name}, dx");
            Check.Close(ReferenceConvolution.GradWeight(s, batch, x, dy), forced[2], Tolerance.Product(device, (long)batch * s.OutHeight * s.OutWidth), $"{name}, dw");
            for (int i = 0; i < forced.Length; i++) Assert.Equal(chosen[i], forced[i]);
        }
    }

    // As both store the same numbers at the same places.
    [Fact]
    public void Tiles_copied_past_the_registers_give_the_same_bits()
    {
        if (!TestDevices.All.Any(row => row.Data == "ptx")) Assert.Skip("The interpreter is not among the devices under test.");
        using Device throughRegisters = Device.OpenSimulated();
        throughRegisters.Runner = new PtxRunner();
        foreach ((Conv2DShape s, int batch) in Cases)
        {
            var random = new Random(batch);
            double[] x = Values.Normal(random, batch * s.Input.Count), w = Values.Normal(random, s.Weights.Count), b = Values.Normal(random, s.OutChannels), dy = Values.Normal(random, batch * s.Output.Count);
            Assert.Equal(On(throughRegisters), On(TestDevices.Get("ptx")));

            float[][] On(Device device)
            {
                using var arena = new DeviceArena(device);
                return Passes(arena, new Conv2DGpu(arena, s, batch, GemmTile.Of32x64), s, batch, x, w, b, dy);
            }
        }
    }

    private static float[][] Passes(DeviceArena arena, Conv2DGpu conv, Conv2DShape s, int batch, double[] x, double[] w, double[] b, double[] dy)
    {
        Tensor<float> xOn = BeforeNaN(arena, s.Input.Prepend(batch), x), wOn = BeforeNaN(arena, s.Weights, w), dyOn = BeforeNaN(arena, s.Output.Prepend(batch), dy);
        GuardedTensor y = Check.Guarded(arena, dyOn.Shape), dx = Check.Guarded(arena, xOn.Shape), dw = Check.Guarded(arena, s.Weights);
        conv.Forward(xOn, wOn, Values.On(arena, new Shape(s.OutChannels), b), y.Tensor);
        conv.GradInput(dyOn, wOn, dx.Tensor);
        conv.GradWeight(xOn, dyOn, dw.Tensor);
        return [y.Read("y"), dx.Read("dx"), dw.Read("dw")];
    }

    // What is read past the end meets zeros of the other operand, and shows only if it is no number.
    private static Tensor<float> BeforeNaN(DeviceArena arena, Shape shape, double[] values) =>
        Values.On(arena, new Shape(values.Length + 512), [.. values, .. Enumerable.Repeat(double.NaN, 512)]).First(values.Length).Reshape(shape);
}

using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>Fully connected layers and the plain matrix product.</summary>
internal static class DenseCases
{
    /// <summary>The three products of a fully connected layer and the gradient to its bias.</summary>
    public static IEnumerable<KernelCase> Linear(string name, int batch, int inFeatures, int outFeatures)
    {
        string group = $"{name}: {inFeatures} to {outFeatures}, batch {batch}";
        long flops = 2L * batch * inFeatures * outFeatures;
        long bytes = sizeof(float) * ((long)batch * (inFeatures + outFeatures) + (long)inFeatures * outFeatures);
        return
        [
            new(group, "forward", flops, bytes, arena => Forward(arena, batch, inFeatures, outFeatures)),
            new(group, "to input", flops, bytes, arena => ToInput(arena, batch, inFeatures, outFeatures)),
            new(group, "to weights", flops, bytes, arena => ToWeights(arena, batch, inFeatures, outFeatures)),
            new(group, "to bias", (long)batch * outFeatures, sizeof(float) * (batch + 1L) * outFeatures, arena => ToBias(arena, batch, inFeatures, outFeatures)),
        ];
    }

    /// <summary>C = A B, all square.</summary>
    public static KernelCase Product(int size) =>
        new("matrix product", $"{size} cubed", 2L * size * size * size, 3L * sizeof(float) * size * size, arena =>
        {
            var product = new MatMul(arena, false, false, size * size);
            Operand a = Operand.Random(arena, new Shape(size, size), 1), b = Operand.Random(arena, new Shape(size, size), 2);
            Tensor<float> c = Operand.Result(arena, new Shape(size, size));
            return new(() => product.Multiply(a.Tensor, b.Tensor, c), new SampledOutput("c", c, i =>
                ReferenceSum.Over(size, k => a[i / size * size + k] * b[k * size + i % size])));
        });

    private static PreparedKernel Forward(DeviceArena arena, int batch, int inFeatures, int outFeatures)
    {
        var linear = new Linear(arena, inFeatures, outFeatures, batch);
        Operand x = Operand.Random(arena, new Shape(batch, inFeatures), 1), w = Operand.Random(arena, new Shape(outFeatures, inFeatures), 2), b = Operand.Random(arena, new Shape(outFeatures), 3);
        Tensor<float> y = Operand.Result(arena, new Shape(batch, outFeatures));
        return new(() => linear.Forward(x.Tensor, w.Tensor, b.Tensor, y), new SampledOutput("y", y, i =>
        {
            int n = i / outFeatures, o = i % outFeatures;
            ReferenceSum sum = ReferenceSum.Over(inFeatures, f => x[n * inFeatures + f] * w[o * inFeatures + f]);
            sum.Add(b[o]);
            return sum;
        }));
    }

    private static PreparedKernel ToInput(DeviceArena arena, int batch, int inFeatures, int outFeatures)
    {
        var linear = new Linear(arena, inFeatures, outFeatures, batch);
        Operand dy = Operand.Random(arena, new Shape(batch, outFeatures), 1), w = Operand.Random(arena, new Shape(outFeatures, inFeatures), 2);
        Tensor<float> dx = Operand.Result(arena, new Shape(batch, inFeatures));
        return new(() => linear.GradInput(dy.Tensor, w.Tensor, dx), new SampledOutput("dx", dx, i =>
            ReferenceSum.Over(outFeatures, o => dy[i / inFeatures * outFeatures + o] * w[o * inFeatures + i % inFeatures])));
    }

    private static PreparedKernel ToWeights(DeviceArena arena, int batch, int inFeatures, int outFeatures)
    {
        var linear = new Linear(arena, inFeatures, outFeatures, batch);
        Operand x = Operand.Random(arena, new Shape(batch, inFeatures), 1), dy = Operand.Random(arena, new Shape(batch, outFeatures), 2);
        Tensor<float> dw = Operand.Result(arena, new Shape(outFeatures, inFeatures));
        return new(() => linear.GradWeight(x.Tensor, dy.Tensor, dw), new SampledOutput("dw", dw, i =>
            ReferenceSum.Over(batch, n => dy[n * outFeatures + i / inFeatures] * x[n * inFeatures + i % inFeatures])));
    }

    private static PreparedKernel ToBias(DeviceArena arena, int batch, int inFeatures, int outFeatures)
    {
        var linear = new Linear(arena, inFeatures, outFeatures, batch);
        Operand dy = Operand.Random(arena, new Shape(batch, outFeatures));
        Tensor<float> db = Operand.Result(arena, new Shape(outFeatures));
        return new(() => linear.GradBias(dy.Tensor, db), new SampledOutput("db", db, o => ReferenceSum.Over(batch, n => dy[n * outFeatures + o])));
    }
}

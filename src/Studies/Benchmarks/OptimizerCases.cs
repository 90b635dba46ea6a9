using GpuConv.Kernels;

namespace GpuConv.Studies;

/// <summary>One step of an optimiser over all parameters.</summary>
internal static class OptimizerCases
{
    private const float Rate = 1e-3f;

    public static IEnumerable<KernelCase> Of(int parameters)
    {
        string group = $"optimisers: {parameters:n0} parameters";
        return
        [
            // Reads w, dw, m, v and writes w, m, v; the two velocities of SGD likewise.
            new(group, "adam", 12L * parameters, 7L * sizeof(float) * parameters, arena => OfAdam(arena, parameters)),
            new(group, "sgd", 2L * parameters, 3L * sizeof(float) * parameters, arena => OfSgd(arena, parameters, momentum: 0)),
            new(group, "sgd, momentum", 4L * parameters, 5L * sizeof(float) * parameters, arena => OfSgd(arena, parameters, momentum: 0.9f)),
        ];
    }

    private static PreparedKernel OfAdam(DeviceArena arena, int count)
    {
        var options = new AdamOptions();
        var adam = new Adam(arena.Device, options);
        var shape = new Shape(count);
        Operand w = Operand.Random(arena, shape, 1), dw = Operand.Random(arena, shape, 2), m = Operand.Random(arena, shape, 3), v = Operand.Positive(arena, shape, 4);
        int step = 0;
        double beta1 = 0.9, beta2 = 0.999;
        return new(
            () => adam.Step(w.Tensor, dw.Tensor, m.Tensor, v.Tensor, Rate, ++step),
            new SampledOutput("m", m.Tensor, Mean),
            new SampledOutput("v", v.Tensor, Square),
            new SampledOutput("w", w.Tensor, i => ReferenceSum.Of(
                w[i],
                -Rate * (Mean(i).Value / (1 - beta1)) / (Math.Sqrt(Square(i).Value / (1 - beta2)) + options.Epsilon))));

        ReferenceSum Mean(int i) => ReferenceSum.Of(beta1 * m[i], (1 - beta1) * dw[i]);

        ReferenceSum Square(int i) => ReferenceSum.Of(beta2 * v[i], (1 - beta2) * dw[i] * dw[i]);
    }

    private static PreparedKernel OfSgd(DeviceArena arena, int count, float momentum)
    {
        var sgd = new Sgd(arena.Device, new SgdOptions { Momentum = momentum });
        var shape = new Shape(count);
        Operand w = Operand.Random(arena, shape, 1), dw = Operand.Random(arena, shape, 2), velocity = Operand.Random(arena, shape, 3);
        return new(
            () => sgd.Step(w.Tensor, dw.Tensor, momentum > 0 ? velocity.Tensor : null, Rate, firstStep: false),
            new SampledOutput("w", w.Tensor, i => ReferenceSum.Of(w[i], -Rate * dw[i], -Rate * momentum * velocity[i])));
    }
}

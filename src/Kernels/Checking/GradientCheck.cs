namespace GpuConv.Kernels;

/// <summary>
/// Compares the gradient that a kernel computes with central differences of what it computes forwards, for kernels and layers of one's own: both passes are called as they are, in float32 on
/// their device, and all that is done with their results is done in float64.
/// <para>
/// For an input x, a random direction d and random weights u of the outputs, both normal, the backward pass must give the derivative of s(t) = sum of u f(x + t d) at 0:
/// <c>&lt;gradient, d&gt; = (s(h) - s(-h)) / 2h</c>. Weights of the outputs, because a plain sum is blind for what normalises; one direction through all elements, because one element at a time costs a
/// pass each.
/// </para>
/// <para>
/// The tolerance is not a constant. A sum of L terms in float32 is off by about 0.3 sqrt(L) u relative to its size, u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, chapter 4);
/// through the difference that makes <c>0.3 sqrt(L) u F sqrt(2) |u| / 2h</c> for outputs of the size F, and <c>0.3 sqrt(L) u |gradient|</c> for the gradient's own rounding: six times each is
/// allowed. The central difference itself is off by c h^2, which the one with twice the step shows: it is off by four times that, so that a third of their difference is the error (Richardson), and the
/// whole of it is allowed. Outputs with a kink between -2h and 2h (a ReLU, a maximum) have no derivative there: third and fourth differences, which a smooth function makes as small as h^3, find them, and they get the weight 0.
/// Where all this leaves a tolerance beyond a hundredth of the derivative's size, nothing is shown, and the check fails too.
/// </para>
/// </summary>
public static class GradientCheck
{
    // Of float32. A sum's relative error by the square root of its length, one standard deviation.
    private const double UnitRoundoff = 1.0 / (1 << 24), ErrorOfSum = 0.3, Deviations = 6;

    // The largest tolerance that still shows something, as a share of the derivative's size; the largest share of outputs with a kink.
    private const double Blind = 0.01, MostKinks = 0.5;

    /// <summary>Checks a function on host arrays.</summary>
    /// <param name="inputs">The inputs with the values at which the gradient is checked. Values of about 1 suit the step; without integers among them, a maximum of equal values is no accident.</param>
    /// <param name="forward">The outputs, for values of all inputs.</param>
    /// <param name="backward">The gradient to each input in their order, for values of all inputs and the gradient to the outputs; null for an input that has none.</param>
    /// <param name="options">Step, number of projections, seed.</param>
    /// <returns>For each input with a gradient the projection that is furthest from its tolerance, and whether it is within it.</returns>
    /// <exception cref="ArgumentException">There is no input, or a pass gives another number of values than it must.</exception>
    public static IReadOnlyList<GradientCheckResult> Run(
        IReadOnlyList<NamedValues> inputs,
        Func<IReadOnlyList<float[]>, float[]> forward,
        Func<IReadOnlyList<float[]>, float[], IReadOnlyList<float[]?>> backward,
        GradientCheckOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(backward);
        options ??= new GradientCheckOptions();
        if (inputs.Count == 0) throw new ArgumentException("A gradient is checked for at least one input.", nameof(inputs));
        var random = new Random(options.Seed);
        float[][] values = [.. inputs.Select(input => input.Values)];
        float[] at = forward(values);
        var results = new GradientCheckResult?[inputs.Count];
        for (int projection = 0; projection < options.Projections; projection++)
        {
            for (int input = 0; input < inputs.Count; input++)
            {
                if (values[input].Length == 0) continue;
                GradientCheckResult? found = Project(inputs[input].Name, input);
                if (found is not null && (results[input] is not { } worst || found.Excess > worst.Excess || double.IsNaN(found.Excess))) results[input] = found;
            }
        }
        return [.. results.OfType<GradientCheckResult>()];

        GradientCheckResult? Project(string name, int input)
        {
            float[] direction = Direction(random, values[input].Length), weights = Normal(random, at.Length);
            double size = Size(at), step = StepAlong(input, direction, size);
            (float[] farLeft, _) = Moved(input, direction, -2 * step);
            (float[] left, float[] xLeft) = Moved(input, direction, -step);
            (float[] right, float[] xRight) = Moved(input, direction, step);
            (float[] farRight, _) = Moved(input, direction, 2 * step);

            double rounding = Deviations * ErrorOfSum * Math.Sqrt(options.Terms) * UnitRoundoff * size;
            // What the differences of rounded values are off by, and what a smooth function adds: 2 h^3 times its third derivative, for outputs that move up to three times as fast as most.
            double smooth = Math.Sqrt(70) * rounding + 64 * Math.Pow(options.Step, 3) * size;
            int kinks = 0;
            for (int i = 0; i < at.Length; i++)
            {
                double third = (double)farRight[i] - 2.0 * right[i] + 2.0 * left[i] - farLeft[i], fourth = (double)farRight[i] - 4.0 * right[i] + 6.0 * at[i] - 4.0 * left[i] + farLeft[i];
                if (!(Math.Abs(third) > smooth) && !(Math.Abs(fourth) > smooth)) continue;
                weights[i] = 0;
                kinks++;
            }

            IReadOnlyList<float[]?> gradients = backward(values, weights);
            if (gradients.Count != inputs.Count) throw new ArgumentException($"The backward pass gives {gradients.Count} gradients for {inputs.Count} inputs: give null where there is none.", nameof(backward));
            if (gradients[input] is not { } gradient) return null;
            if (gradient.Length != values[input].Length) throw new ArgumentException($"The gradient to '{name}' has {gradient.Length} values, the input {values[input].Length}.", nameof(backward));

            double numeric = 0, twice = 0, squares = 0, slopes = 0, analytic = 0, length = 0;
            for (int i = 0; i < at.Length; i++)
            {
                if (weights[i] == 0) continue;
                numeric += weights[i] * ((double)right[i] - left[i]);
                twice += weights[i] * ((double)farRight[i] - farLeft[i]);
                squares += (double)weights[i] * weights[i];
                slopes += Math.Pow(((double)right[i] - left[i]) / (2 * step), 2);
            }
            numeric /= 2 * step;
            twice /= 4 * step;
            for (int j = 0; j < gradient.Length; j++)
            {
                // The way that float32 really went.
                analytic += gradient[j] * (((double)xRight[j] - xLeft[j]) / (2 * step));
                length += (double)gradient[j] * gradient[j];
            }
            length = Math.Sqrt(length);
            double tolerance = rounding * Math.Sqrt(2 * squares) / (2 * step) + Deviations * ErrorOfSum * Math.Sqrt(options.Terms) * UnitRoundoff * length + Math.Abs(twice - numeric);
            // The size that the derivative has: over random directions the gradient's length, over random weights that of the outputs' slopes. A gradient of nothing is right where nothing changes.
            double scale = Math.Max(length, Math.Sqrt(slopes));
            bool shows = kinks <= MostKinks * at.Length && (tolerance <= Blind * scale || (length == 0 && slopes == 0));
            return new GradientCheckResult(name, numeric, analytic, tolerance, scale, kinks, at.Length, shows);
        }

        // Outputs that are sums of many moved elements move by more than these do: the step shrinks, by halves, until they move by about that share of their size.
        double StepAlong(int input, float[] direction, double size)
        {
            float[] there = Moved(input, direction, options.Step).Outputs;
            double moved = Size([.. there.Zip(at, (a, b) => a - b)]) / (options.Step * size), step = options.Step;
            for (; moved > 1 && double.IsFinite(moved); moved /= 2) step /= 2;
            return step;
        }

        (float[] Outputs, float[] Values) Moved(int input, float[] direction, double by)
        {
            float[] moved = [.. values[input].Zip(direction, (x, d) => (float)(x + by * d))];
            float[] outputs = forward([.. values.Select((v, k) => k == input ? moved : v)]);
            return outputs.Length == at.Length ? (outputs, moved) : throw new ArgumentException($"The forward pass gives {outputs.Length} values, and gave {at.Length} before.", nameof(forward));
        }
    }

    /// <summary>Checks a kernel on tensors of a device: inputs are filled with standard-normal values, and whatever is to be written starts as NaN, so that what is left out is seen.</summary>
    /// <param name="device">The device.</param>
    /// <param name="inputs">The name and shape of each input.</param>
    /// <param name="output">The shape of the output.</param>
    /// <param name="forward">Computes the output from the inputs: (inputs, output).</param>
    /// <param name="backward">Computes the gradient to each input: (inputs, output, gradient to the output, gradients to the inputs). The output is that of the forward pass.</param>
    /// <param name="options">Step, number of projections, seed.</param>
    /// <returns>As the other form.</returns>
    /// <exception cref="ArgumentException">There is no input.</exception>
    /// <exception cref="DeviceException">The device has no room.</exception>
    public static IReadOnlyList<GradientCheckResult> Run(
        Device device,
        IReadOnlyList<(string Name, Shape Shape)> inputs,
        Shape output,
        Action<IReadOnlyList<Tensor<float>>, Tensor<float>> forward,
        Action<IReadOnlyList<Tensor<float>>, Tensor<float>, Tensor<float>, IReadOnlyList<Tensor<float>>> backward,
        GradientCheckOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(forward);
        ArgumentNullException.ThrowIfNull(backward);
        options ??= new GradientCheckOptions();
        using var arena = new DeviceArena(device);
        Tensor<float>[] x = [.. inputs.Select(i => arena.Allocate<float>(i.Shape))], dx = [.. inputs.Select(i => arena.Allocate<float>(i.Shape))];
        Tensor<float> y = arena.Allocate<float>(output), dy = arena.Allocate<float>(output);
        // Other numbers than the directions and weights.
        var random = new Random(~options.Seed);
        return Run([.. inputs.Select(i => new NamedValues(i.Name, Normal(random, i.Shape.Count)))], Forward, Backward, options);

        float[] Forward(IReadOnlyList<float[]> values)
        {
            for (int k = 0; k < x.Length; k++) x[k].CopyFrom(values[k]);
            Poison(y);
            forward(x, y);
            return y.ToArray();
        }

        IReadOnlyList<float[]?> Backward(IReadOnlyList<float[]> values, float[] weights)
        {
            Forward(values);
            dy.CopyFrom(weights);
            foreach (Tensor<float> gradient in dx) Poison(gradient);
            backward(x, y, dy, dx);
            return [.. dx.Select(gradient => gradient.ToArray())];
        }
    }

    private static double Size(float[] values) => Math.Sqrt(values.Sum(v => (double)v * v) / Math.Max(1, values.Length));

    private static void Poison(Tensor<float> tensor)
    {
        var values = new float[tensor.Count];
        values.AsSpan().Fill(float.NaN);
        tensor.CopyFrom(values);
    }

    // Of elements whose mean square is 1: the step is a step also where there is one element.
    private static float[] Direction(Random random, int count)
    {
        float[] direction = Normal(random, count);
        float factor = (float)(1 / Size(direction));
        return [.. direction.Select(d => factor * d)];
    }

    // Box and Muller.
    private static float[] Normal(Random random, int count)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>
/// The input that excites each channel of a layer most, by gradient ascent (Erhan et al. 2009; Yosinski et al. 2015, arXiv 1506.06579). The objective is the value of the
/// unit in the middle of the channel's map, row H / 2, column W / 2, before the activation function: what Yosinski's optimiser asks for and
/// lucid's 'neuron' objective takes. All channels are one batch in which each image follows its own channel.
/// </summary>
/// <remarks>
/// In units of the range of brightness, with ĝ the gradient divided by its largest element and G a blur, a step is
/// x += r (ĝ - l2 x - blur (x - G x)), then brightness is held within 0 to 255. The rate r falls evenly to zero, so that
/// where the image comes to rest follows from the weights alone. With jitter the gradient is taken where the image lies a few pixels off. Where no regulariser weighs
/// one pixel against another, only its limits end a pixel's way: then each moves by r, whatever its gradient's size.
/// The start is the training images' mean brightness, x = 0, with a little noise.
/// </remarks>
internal sealed class BestInputs : IDisposable
{
    // Of the range, at the first step.
    private const float FirstRate = 0.2f;

    // Of a step by signs: only pixels that hardly matter move less than others.
    private const float SignGain = 1e6f;

    private const float StartNoise = 10;

    private const float BlurDeviation = 1;

    private const int MostAtOnce = 128;

    private const ulong NoiseStream = 11, JitterStream = 12;

    private readonly InputGradients gradients;
    private readonly DeviceArena arena;
    private readonly BestInputOptions options;
    private readonly int channels, middle;
    private readonly Tensor<float> x, gradient, blurred;
    private readonly AscentStep ascent;
    private readonly Roll2D roll;
    private readonly GaussianBlur2D blur;
    private readonly Elementwise elementwise;

    /// <param name="device">The device it runs on.</param>
    /// <param name="model">The model.</param>
    /// <param name="node">The layer: a convolution, or its batch normalisation.</param>
    /// <param name="options">Steps and regularisers.</param>
    public BestInputs(Device device, Model model, int node, BestInputOptions options)
    {
        this.options = options;
        Shape map = model.Network.Nodes[node].OutputShape;
        channels = map[0];
        middle = map[1] / 2 * map[2] + map[2] / 2;
        Field = ReceptiveField.Window(model.Network, node, map[1] / 2, map[2] / 2);
        Jitter = options.Jitter ?? Math.Min(Field.Height, Field.Width) / 8;
        int batch = Math.Min(MostAtOnce, channels);
        gradients = new InputGradients(device, model.UpTo(node), batch);
        arena = new DeviceArena(device);
        try
        {
            Shape shape = gradients.Input.Shape;
            x = arena.Allocate<float>(shape);
            gradient = arena.Allocate<float>(shape);
            blurred = arena.Allocate<float>(shape);
            ascent = new AscentStep(device);
            roll = new Roll2D(device);
            blur = new GaussianBlur2D(arena, BlurDeviation, shape.Count);
            elementwise = new Elementwise(device);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the unit in the middle sees.</summary>
    public ImageRegion Field { get; }

    /// <summary>How many pixels images are moved by at most.</summary>
    public int Jitter { get; }

    /// <summary>Looks for the best inputs.</summary>
    /// <param name="done">Is told how many steps, times channels, are done.</param>
    /// <param name="cancellation">Cancels between steps.</param>
    /// <returns>For each channel its image, 0 to 255, and the unit's value.</returns>
    public (float[] Pixels, float Activation)[] Find(Action<int> done, CancellationToken cancellation)
    {
        var found = new (float[], float)[channels];
        for (int first = 0; first < channels; first += gradients.MaxBatch)
        {
            int batch = Math.Min(gradients.MaxBatch, channels - first);
            Start(first, batch);
            var random = new RandomSequence(options.Seed, JitterStream);
            for (int step = 0; step < options.Steps; step++)
            {
                cancellation.ThrowIfCancellationRequested();
                done(first * options.Steps + batch * step);
                Step(batch, FirstRate * (options.Steps - step) / options.Steps, Shift(random), Shift(random));
            }
            Read(first, batch, found);
        }
        return found;
    }

    public void Dispose()
    {
        arena.Dispose();
        gradients.Dispose();
    }

    private int Shift(RandomSequence random) => random.NextInt(2 * Jitter + 1) - Jitter;

    private void Start(int first, int batch)
    {
        int size = x.Count / x.Shape[0];
        Model model = gradients.Model;
        var start = new float[batch * size];
        for (int n = 0; n < batch; n++)
        {
            // By the channel alone, whatever stands beside it in the batch.
            var random = new RandomSequence(options.Seed, (NoiseStream << 32) + (ulong)(first + n));
            for (int i = 0; i < size; i++) start[n * size + i] = Math.Clamp(StartNoise * (2 * random.NextFloat() - 1) / (255 * model.Deviation), model.Normalised(0), model.Normalised(255));
        }
        x.First(batch).CopyFrom(start);

        // Each image's objective. Neither convolution nor batch normalisation writes to the gradient that it reads, so this stays.
        Shape scores = gradients.Scores.Shape;
        int each = scores.Count / scores[0], plane = scores[2] * scores[3];
        var oneHot = new float[batch * each];
        for (int n = 0; n < batch; n++) oneHot[n * each + (first + n) * plane + middle] = 1;
        gradients.ScoresGradient.First(batch).CopyFrom(oneHot);
    }

    private void Step(int batch, float rate, int down, int right)
    {
        Tensor<float> images = x.First(batch), smooth = blurred.First(batch);
        Model model = gradients.Model;
        float low = model.Normalised(0), high = model.Normalised(255);
        if (options.Blur > 0) blur.Forward(images, smooth);
        roll.Forward(images, down, right, gradients.Input.First(batch));
        gradients.Forward(batch);
        gradients.Backward(batch);
        roll.Forward(gradients.Gradient.First(batch), -down, -right, gradient.First(batch));
        if (options.Blur > 0)
        {
            float share = Math.Min(1, rate * options.Blur);
            elementwise.Scale(images, 1 - share, images);
            elementwise.AddScaled(images, share, smooth, images);
        }
        ascent.Step(gradient.First(batch), new AscentOptions(rate * (high - low), options.L2 > 0 || options.Blur > 0 ? 1 : SignGain, Math.Max(0, 1 - rate * options.L2), low, high), images);
    }

    private void Read(int first, int batch, (float[], float)[] found)
    {
        gradients.Input.First(batch).CopyFrom(x.First(batch));
        gradients.Forward(batch);
        float[] images = x.First(batch).ToArray(), scores = gradients.Scores.First(batch).ToArray();
        Shape shape = gradients.Scores.Shape;
        int size = images.Length / batch, each = scores.Length / batch, plane = shape[2] * shape[3];
        for (int n = 0; n < batch; n++)
        {
            float[] pixels = [.. images.AsSpan(n * size, size).ToArray().Select(v => Math.Clamp(255 * (v * gradients.Model.Deviation + gradients.Model.Mean), 0, 255))];
            found[first + n] = (pixels, scores[n * each + (first + n) * plane + middle]);
        }
    }
}

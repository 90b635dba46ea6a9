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
/// A start is the training images' mean brightness, x = 0, with a little noise; of several, as there may be more than one peak, the highest counts.
/// </remarks>
internal sealed class BestInputs : IDisposable
{
    // Of the range, at the first step.
    private const float FirstRate = 0.2f;

    // Of a step by signs: only pixels that hardly matter move less than others.
    private const float SignGain = 1e6f;

    private const float StartNoise = 10;

    private const float BlurDeviation = 1;

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
    /// <param name="maxBatch">How many channels are worked on at once at most.</param>
    public BestInputs(Device device, Model model, int node, BestInputOptions options, int maxBatch = 128)
    {
        this.options = options;
        Shape map = model.Network.Nodes[node].OutputShape;
        channels = map[0];
        middle = map[1] / 2 * map[2] + map[2] / 2;
        Field = ReceptiveField.Window(model.Network, node, map[1] / 2, map[2] / 2);
        Jitter = options.Jitter ?? Math.Min(Field.Height, Field.Width) / 8;
        int batch = Math.Min(maxBatch, channels);
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
    /// <param name="done">Is told how many steps are done, each counted once for every channel.</param>
    /// <param name="cancellation">Cancels between steps.</param>
    /// <returns>For each channel its image, 0 to 255, and the unit's value.</returns>
    public (float[] Pixels, float Activation)[] Find(Action<int> done, CancellationToken cancellation)
    {
        var found = new (float[] Pixels, float Activation)[channels];
        int finished = 0;
        for (int first = 0; first < channels; first += gradients.MaxBatch)
        {
            int batch = Math.Min(gradients.MaxBatch, channels - first);
            Follow(first, batch);
            for (int start = 0; start < options.Starts; start++)
            {
                Start(first, batch, start);
                var random = new RandomSequence(options.Seed, JitterStream);
                for (int step = 0; step < options.Steps; step++, finished += batch)
                {
                    cancellation.ThrowIfCancellationRequested();
                    done(finished);
                    Step(batch, FirstRate * (options.Steps - step) / options.Steps, Shift(random), Shift(random));
                }
                (float[] Pixels, float Activation)[] ends = Read(first, batch);
                for (int n = 0; n < batch; n++)
                    if (start == 0 || ends[n].Activation > found[first + n].Activation) found[first + n] = ends[n];
            }
        }
        return found;
    }

    public void Dispose()
    {
        arena.Dispose();
        gradients.Dispose();
    }

    private int Shift(RandomSequence random) => random.NextInt(2 * Jitter + 1) - Jitter;

    // Each image's objective. Neither convolution nor batch normalisation writes to the gradient that it reads, so this stays.
    private void Follow(int first, int batch)
    {
        Shape scores = gradients.Scores.Shape;
        int each = scores.Count / scores[0], plane = scores[2] * scores[3];
        var oneHot = new float[batch * each];
        for (int n = 0; n < batch; n++) oneHot[n * each + (first + n) * plane + middle] = 1;
        gradients.ScoresGradient.First(batch).CopyFrom(oneHot);
    }

    private void Start(int first, int batch, int start)
    {
        int size = x.Count / x.Shape[0];
        Model model = gradients.Model;
        var values = new float[batch * size];
        for (int n = 0; n < batch; n++)
        {
            // By the channel alone, whatever stands beside it in the batch.
            var random = new RandomSequence(options.Seed, (NoiseStream << 48) + ((ulong)start << 32) + (ulong)(first + n));
            for (int i = 0; i < size; i++) values[n * size + i] = Math.Clamp(StartNoise * (2 * random.NextFloat() - 1) / (255 * model.Deviation), model.Normalised(0), model.Normalised(255));
        }
        x.First(batch).CopyFrom(values);
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

    // The images and the values of their units, where the images lie as they are.
    private (float[], float)[] Read(int first, int batch)
    {
        gradients.Input.First(batch).CopyFrom(x.First(batch));
        gradients.Forward(batch);
        float[] images = x.First(batch).ToArray(), scores = gradients.Scores.First(batch).ToArray();
        Shape shape = gradients.Scores.Shape;
        int size = images.Length / batch, each = scores.Length / batch, plane = shape[2] * shape[3];
        Model model = gradients.Model;
        return [.. Enumerable.Range(0, batch).Select(n => (
            images[(n * size)..((n + 1) * size)].Select(v => Math.Clamp(255 * (v * model.Deviation + model.Mean), 0, 255)).ToArray(),
            scores[n * each + (first + n) * plane + middle]))];
    }
}

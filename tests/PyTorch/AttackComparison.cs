using GpuConv.Kernels;
using GpuConv.Net;
using TorchSharp;
using static TorchSharp.torch;
using Device = GpuConv.Kernels.Device;
using Tensor = TorchSharp.torch.Tensor;

namespace GpuConv.PyTorch;

/// <summary>
/// PGD here and in PyTorch, on the same network from the same place: each step from PyTorch's own image, and all steps each for itself. A step goes by the sign of the gradient, so that
/// only pixels whose gradient is within rounding of zero may differ; and, of one image in a thousand, those of a window whose ReLU or maximum is within rounding of its kink, by little.
/// </summary>
internal static class AttackComparison
{
    private const int Images = 256, Steps = 10;
    private const float Epsilon = 0.3f, Alpha = 0.01f;

    // Of an image's largest gradient: what is below it is within rounding of zero, as sums of some thousand products in another order are off by about so much.
    private const float NearZero = 1e-4f;

    // What a unit at its kink adds to a pixel's gradient, of an image's largest, and at how many images in a step one may be.
    private const float OfOneUnit = 0.01f, Kinks = 0.001f;

    // Two roundings of an image of 0 to 1.
    private const float SameImage = 2.5e-7f;

    /// <summary>Prints what was found.</summary>
    /// <returns>Whether each step gave the same image but for such pixels, and 99 % of the pixels agree after all steps.</returns>
    public static bool Run(Device device, DataSet data, bool batchNorm)
    {
        Model model = Trained(device, data, batchNorm);
        using nn.Module<Tensor, Tensor> network = TorchTraining.Build(batchNorm);
        TorchTraining.Load(network, model.Weights);
        network.eval();
        using var attacker = new Attacker(device, model);
        LabelledImages images = data.Test.First(Images);
        // Labels are what the network says, so that every image is attacked.
        images = images with { Labels = [.. attacker.Predict([.. images.Pixels.Select(v => v / 255f)]).Select(p => p.Class)] };
        int size = images.ImageSize;
        float[] originals = [.. images.Pixels.Select(v => v / 255f)];
        // A random start that both are given: PyTorch's numbers are its own.
        float[] start = [.. originals.Select((v, i) => Math.Clamp(v + Epsilon * (2 * Share(i) - 1), 0, 1))];
        (float[][] theirs, float[][] gradients) = TorchPgd(network, data, images, originals, start);

        float[] Ours(float[] from, int steps) => attacker.Run(new PgdFrom(from, steps), images).Pixels;
        int nearZero = 0, different = 0, kinks = 0, unexplained = 0;
        for (int step = 0; step < Steps; step++)
        {
            float[] found = Ours(theirs[step], 1);
            for (int n = 0; n < Images; n++)
            {
                float largest = gradients[step].AsSpan(n * size, size).ToArray().Max(MathF.Abs);
                bool atKink = false;
                for (int i = n * size; i < (n + 1) * size; i++)
                {
                    bool near = !(MathF.Abs(gradients[step][i]) > NearZero * largest), same = Math.Abs(found[i] - theirs[step + 1][i]) <= SameImage;
                    if (near) nearZero++;
                    if (!same) different++;
                    if (same || near) continue;
                    if (MathF.Abs(gradients[step][i]) <= OfOneUnit * largest) atKink = true;
                    else unexplained++;
                }
                if (atKink) kinks++;
            }
        }
        float[] free = Ours(start, Steps);
        double agree = free.Where((v, i) => Math.Abs(v - theirs[Steps][i]) <= SameImage).Count() / (double)free.Length;
        bool good = unexplained == 0 && kinks <= Kinks * Images * Steps && agree >= 0.99;
        Console.WriteLine($"{(batchNorm ? "with" : "without"),-11} {different,9} of {Steps * Images * size} differ after one step from PyTorch's image, {unexplained} of them with a gradient that matters, at {kinks} of {Images * Steps} images a unit at its kink ({nearZero} gradients are within rounding of 0); after {Steps} free steps {100 * agree:f3} % agree  {(good ? "ok" : "TOO FEW")}");
        return good;
    }

    // A moment of training, so that gradients are those of a network that knows something.
    private static Model Trained(Device device, DataSet data, bool batchNorm)
    {
        Network network = Network.Report(new Shape(1, 28, 28), data.Classes, batchNorm);
        using var trainer = new Trainer(device, network, data, new TrainingOptions { Epochs = 1, Limit = 6400, Validation = 0 }, TorchTraining.Initial(network, 1));
        trainer.Run();
        return new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name);
    }

    private static float Share(int index) => (uint)(index * 2654435761L) / 4294967296f;

    // Madry et al.'s step in PyTorch's words: the images before each step and after the last, and the gradient at each.
    private static (float[][] Images, float[][] Gradients) TorchPgd(nn.Module<Tensor, Tensor> network, DataSet data, LabelledImages images, float[] originals, float[] start)
    {
        List<float[]> all = [start], gradients = [];
        long[] shape = [Images, 1, images.Height, images.Width];
        using Tensor x0 = tensor(originals).reshape(shape), truth = tensor(Array.ConvertAll(images.Labels, l => (long)l));
        for (int step = 0; step < Steps; step++)
        {
            using var scope = NewDisposeScope();
            Tensor x = tensor(all[^1]).reshape(shape).requires_grad_();
            // The cross-entropy by the others' odds: PyTorch's own loses the label's part where the network is sure (SureGradient).
            Tensor scores = network.forward((x - data.Mean) / data.Deviation), own = scores.gather(1, truth.unsqueeze(1));
            Tensor others = scores.masked_fill(nn.functional.one_hot(truth, data.Classes).to_type(ScalarType.Bool), float.NegativeInfinity).logsumexp(1, keepdim: true);
            Tensor loss = nn.functional.softplus(others - own).sum();
            loss.backward();
            Tensor slope = x.grad!;
            gradients.Add(slope.data<float>().ToArray());
            Tensor moved = x.detach() + Alpha * slope.sign();
            moved = x0 + (moved - x0).clamp(-Epsilon, Epsilon);
            all.Add(moved.clamp(0, 1).data<float>().ToArray());
        }
        return ([.. all], [.. gradients]);
    }

    /// <summary>The library's PGD from images of another's making.</summary>
    private sealed record PgdFrom(float[] Start, int Steps) : IAttack
    {
        public string Name => "pgd";

        public PerturbationNorm Norm => PerturbationNorm.Linf;

        public float? Epsilon => AttackComparison.Epsilon;

        public void Perturb(AttackBatch batch, int restart)
        {
            batch.Images.CopyFrom([.. batch.Numbers.ToArray().SelectMany(n => Start[(n * batch.Pixels)..((n + 1) * batch.Pixels)])]);
            new Pgd { Epsilon = AttackComparison.Epsilon, Alpha = Alpha, Steps = Steps, RandomStart = false }.Perturb(batch, restart);
        }
    }
}

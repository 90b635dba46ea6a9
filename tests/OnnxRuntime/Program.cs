using System.Diagnostics;
using GpuConv.Kernels;
using GpuConv.Net;
using GpuConv.OnnxRuntime;
using GpuConv.Tests;
using Microsoft.ML.OnnxRuntime;

// Models written as ONNX files and run by ONNX Runtime: outputs as here, on all test images, batch normalisation folded or not; and small ones of every kind of layer, in every version of
// the operators. Arguments: the folder with the networks' texts, and the device here (cpu, opencl, …).
const double Allowed = 1e-5;

// Scores are sums of hundreds of products on both sides, good to some units in the last place of float32, which is 1e-6 for values of 8 to 16 and grows with them.
static double Bar(double value) => Math.Max(Allowed, Allowed * Math.Abs(value) / 8);

const int Batch = 128;

// Images whose outputs are compared with those in float64.
const int Exact = 128;
string texts = args[0], deviceName = args.Length > 1 ? args[1] : "cpu";
DataSet data = DataSet.Load(DataSet.Mnist);
using Device device = Device.Open(deviceName);
float[] pixels = Array.ConvertAll(data.Test.Pixels, p => p / 255f);
bool passed = true;
Console.WriteLine($"{OrtEnv.Instance().GetVersionString()} on the processor, here {device.Name}; {data.Test.Count} test images, batches of {Batch}");
Console.WriteLine("network    batch norm  largest difference     at  where p > 1e-7  from float64, root mean square: ONNX Runtime      here  other class  images/s: ONNX Runtime     here");
foreach (string name in (string[])["plain", "report", "lenet5", "residual", "depthwise"])
{
    Model model = Trained(name == "plain" ? Network.Report(data.Test.ImageShape, data.Classes, batchNormalization: false) : NetworkText.Parse(File.ReadAllText(Path.Combine(texts, $"{name}.txt"))));
    foreach (bool fold in model.Network.HasBatchNormalization ? (bool[])[false, true] : [false])
    {
        using var session = new Session(OnnxExport.ToBytes(model, new OnnxExportOptions { FoldBatchNormalization = fold }), model);
        using var ours = new Ours(device, model, Batch);
        double largest = 0, likely = 0, beyond = 0, sessionSeconds = 0, ourSeconds = 0;
        double theirSquares = 0, ourSquares = 0;
        int otherClass = 0, size = model.Network.InputShape.Count;
        float worst = 0;
        for (int first = -Batch; first < data.Test.Count; first += Batch)
        {
            // The first batch is run once more before, to warm up.
            int start = Math.Max(first, 0), count = Math.Min(Batch, data.Test.Count - start);
            float[] images = pixels[(start * size)..((start + count) * size)];
            long begun = Stopwatch.GetTimestamp();
            float[] theirs = session.Run(images);
            double seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            begun = Stopwatch.GetTimestamp();
            float[] here = ours.Run(images);
            if (first < 0) continue;
            ourSeconds += Stopwatch.GetElapsedTime(begun).TotalSeconds;
            sessionSeconds += seconds;
            for (int i = 0; i < here.Length; i++)
            {
                double difference = Math.Abs(here[i] - theirs[i]);
                if (here[i] > -16) likely = Larger(likely, difference);
                beyond = Larger(beyond, difference / Bar(here[i]));
                if (difference <= largest) continue;
                (largest, worst) = (difference, here[i]);
            }
            for (int i = 0; i < Math.Min(count, Exact - first); i++)
            {
                double[] exact = LogProbabilities(model, first + i);
                for (int c = 0; c < model.Classes; c++)
                {
                    theirSquares += Math.Pow(theirs[i * model.Classes + c] - exact[c], 2);
                    ourSquares += Math.Pow(here[i * model.Classes + c] - exact[c], 2);
                }
            }
            for (int i = 0; i < count; i++)
                if (Best(here, i) != Best(theirs, i)) otherClass++;
        }
        double theirError = Math.Sqrt(theirSquares / (Exact * model.Classes)), ourError = Math.Sqrt(ourSquares / (Exact * model.Classes));
        // Both round as often, but not at the same places: which one is nearer is chance, by how much is not. OpenCL's exp and log may be off by three units in the last place (OpenCL C, section 7.4):
        // of the logarithm of a sum of ten, 2.3 at most, these are 7.2e-7, and spread evenly over that a root mean square of 4.1e-7.
        double library = device.Kind == DeviceKind.OpenCL ? 4.1e-7 : 0;
        bool good = likely <= Allowed && beyond <= 1 && ourError <= Math.Sqrt(Math.Pow(1.5 * theirError, 2) + library * library);
        passed &= good;
        Console.WriteLine($"{name,-10} {(!model.Network.HasBatchNormalization ? "none" : fold ? "folded" : "kept"),-10} {largest,19:e2} {worst,6:f1} {likely,15:e2} {theirError,46:e2} {ourError,9:e2} {otherClass,12} {data.Test.Count / sessionSeconds,23:n0} {data.Test.Count / ourSeconds,8:n0}  {(good ? "ok" : "TOO LARGE")}");

        int Best(float[] outputs, int image) => Predictor.MostProbable(outputs.AsSpan(image * model.Classes, model.Classes));
    }
}

// Every version of the operators, on networks of every kind of layer.
for (int opset = OnnxExport.OldestOpset; opset <= OnnxExport.NewestOpset; opset++)
{
    double largest = 0;
    int networks = 0, refused = 0;
    for (int seed = 0; seed <= 20; seed++)
    {
        Model model = Random(seed == 0 ? NetworkText.Parse(EveryLayer.For(opset)) : GeneratedNetwork.Of(seed), seed);
        float[] images = RandomImages(model, seed);
        using var ours = new Ours(device, model, 3);
        float[] here = ours.Run(images);
        foreach (bool fold in (bool[])[false, true])
        {
            byte[] bytes = OnnxExport.ToBytes(model, new OnnxExportOptions { Opset = opset, FoldBatchNormalization = fold, Batch = seed % 2 == 0 ? 3 : 0 });
            try
            {
                using var session = new Session(bytes, model);
                float[] theirs = session.Run(images);
                for (int i = 0; i < here.Length; i++) largest = Larger(largest, Math.Abs(here[i] - theirs[i]) / (1 + Math.Abs(here[i])));
                networks++;
            }
            catch (OnnxRuntimeException e)
            {
                refused++;
                if (refused == 1) Console.WriteLine($"opset {opset}, network {seed}: {e.Message}");
            }
        }
    }
    // Scores of these random networks are of order ten, and go through up to a dozen layers.
    bool good = refused == 0 && largest <= 10 * Allowed;
    passed &= good;
    Console.WriteLine($"opset {opset}: {networks} generated models checked and run, {refused} refused; largest difference {largest:e2}  {(good ? "ok" : "WRONG")}");
}
Console.WriteLine(passed ? "passed" : "failed");
return passed ? 0 : 1;

// NaN counts as larger than anything.
static double Larger(double a, double b) => b <= a ? a : b;

// In float64, from the normalised image as it is here.
double[] LogProbabilities(Model model, int image)
{
    int size = model.Network.InputShape.Count;
    double[] scores = new ReferenceNetwork(model).Scores([.. pixels.Skip(image * size).Take(size).Select(v => (double)((v - model.Mean) / model.Deviation))]);
    double most = scores.Max(), all = most + Math.Log(scores.Sum(s => Math.Exp(s - most)));
    return Array.ConvertAll(scores, s => s - all);
}

// A moment of training, on the CPU: outputs of a network that knows something.
Model Trained(Network network)
{
    using Device cpu = Device.Open("cpu");
    using var trainer = new Trainer(cpu, network, data, new TrainingOptions { Epochs = 1, Limit = 12_800, Validation = 0 }, Weights.Initial(network, 1));
    trainer.Run();
    return new Model(network, trainer.CurrentWeights, data.Mean, data.Deviation, data.Name);
}

static Model Random(Network network, int seed)
{
    var random = new Random(seed);
    return new Model(network, new Weights([.. Weights.Initial(network, (ulong)seed).Arrays.Select(Spread)]), 0.3f, 0.7f, "");

    NamedArray Spread(NamedArray a) => a.Shape.Length > 1 ? a : a with { Values = [.. a.Values.Select(v => a.Name.EndsWith("running_var", StringComparison.Ordinal) ? 0.5f + random.NextSingle() : v + 0.6f * random.NextSingle() - 0.3f)] };
}

static float[] RandomImages(Model model, int seed)
{
    var random = new Random(seed);
    var images = new float[3 * model.Network.InputShape.Count];
    for (int i = 0; i < images.Length; i++) images[i] = random.NextSingle();
    return images;
}

using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Peers;

/// <summary>The numbers that all peers start from: functions of the case alone, so that each process makes the same ones.</summary>
internal static class Inputs
{
    private static readonly Lazy<DataSet> Loaded = new(() => DataSet.Load(DataSet.Mnist));

    /// <summary>MNIST.</summary>
    public static DataSet Data => Loaded.Value;

    /// <summary>The weights. Running statistics are drawn too: with mean 0 and variance 1 a peer that ignored them would pass.</summary>
    public static Weights Weights(Network network)
    {
        Weights initial = Net.Weights.Initial(network, seed: 1);
        var random = new Random(2);
        foreach (NamedArray array in initial.Arrays)
        {
            bool isMean = array.Name.EndsWith("running_mean", StringComparison.Ordinal), isVariance = array.Name.EndsWith("running_var", StringComparison.Ordinal);
            if (!isMean && !isVariance) continue;
            for (int i = 0; i < array.Values.Length; i++) array.Values[i] = isMean ? random.NextSingle() - 0.5f : 0.5f + random.NextSingle();
        }
        return initial;
    }

    /// <summary>The inputs of one run: the first images of the data set, normalised, or random numbers for what takes no images.</summary>
    public static float[] X(Case work)
    {
        if (work.NeedsInputGradient) return Random(3, work.Network.InputShape.Prepend(work.Batch).Count);
        byte[] pixels = Data.Train.Pixels;
        var x = new float[work.Batch * work.Network.InputShape.Count];
        for (int i = 0; i < x.Length; i++) x[i] = (pixels[i] / 255f - Data.Mean) / Data.Deviation;
        return x;
    }

    /// <summary>The images of an attack, with the classes that the network takes them for: so each is attacked.</summary>
    public static LabelledImages Recognised(Case work)
    {
        LabelledImages images = Data.Train.First(work.Batch);
        using Device device = Device.Open("cpu");
        using var predictor = new Predictor(device, ModelOf(work));
        float[] shares = predictor.Probabilities(images.Pixels);
        int classes = work.Network.OutputShape.Count;
        return images with { Labels = [.. Enumerable.Range(0, work.Batch).Select(i => Predictor.MostProbable(shares.AsSpan(i * classes, classes)))] };
    }

    /// <summary>The network with its weights and the data's normalisation.</summary>
    public static Model ModelOf(Case work) => new(work.Network, Weights(work.Network), Data.Mean, Data.Deviation, Data.Name);

    /// <summary>The gradient that comes back to a single operator's output.</summary>
    public static float[] Dy(Case work) => Random(4, work.Network.OutputShape.Prepend(work.Batch).Count);

    private static float[] Random(int seed, int count)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++) values[i] = random.NextSingle() - 0.5f;
        return values;
    }
}

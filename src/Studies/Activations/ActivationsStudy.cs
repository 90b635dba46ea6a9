using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>What the channels of a network's convolutions stand for: how active they are over the test images, which images drive them most, and their best inputs.</summary>
internal static class ActivationsStudy
{
    public static ActivationsResult Run(LayerOutputs outputs, LabelledImages images, ActivationsOptions options, Action<StudyProgress> progress, CancellationToken cancellation)
    {
        Require(options);
        Network network = outputs.Model.Network;
        int[] convolutions = Channels.Convolutions(network);
        int count = options.Limit > 0 ? Math.Min(options.Limit, images.Count) : images.Count, before = 0;
        // A step of ascent costs about what an image does, for each channel.
        int total = count + 2 * options.BestInput.Starts * options.BestInput.Steps * convolutions.Sum(c => network.Nodes[c].OutputShape[0]);

        ChannelTally[][] tallies = outputs.Tally(images, count, done => progress(new StudyProgress("statistics of channels", done, total)), cancellation);
        before += count;
        StageFigures[] stages = [.. outputs.Stages.Select((s, i) => StageOf(network, outputs.Stages, tallies, i))];
        var layers = new List<ChannelLayer>();
        foreach (int convolution in convolutions)
        {
            int measured = Channels.BeforeActivation(network, convolution);
            ChannelTally[] own = tallies[Array.IndexOf(outputs.Stages, measured)];
            ChannelFigures[] figures = [.. stages[Array.IndexOf(outputs.Stages, measured)].Channels];
            using var shown = new BestInputs(outputs.Device, outputs.Model, measured, options.BestInput);
            using var free = new BestInputs(outputs.Device, outputs.Model, measured, options.BestInput.WithoutRegularisers);
            (float[] Pixels, float Activation)[] best = Find(shown), unregularised = Find(free);
            layers.Add(new ChannelLayer(network.Nodes[convolution].Name, network.Nodes[measured].Name, shown.Field.Height, shown.Field.Width, shown.Jitter, [.. own.Select((tally, c) =>
                new ChannelPortrait(c, figures[c].Dead, best[c].Activation, unregularised[c].Activation, StrongestOf(network, measured, tally, images)) { Pixels = best[c].Pixels })])
            { Middle = shown.Field });

            (float[], float)[] Find(BestInputs inputs)
            {
                (float[], float)[] found = inputs.Find(done => progress(new StudyProgress($"best inputs of {network.Nodes[convolution].Name}", before + done, total)), cancellation);
                before += options.BestInput.Starts * options.BestInput.Steps * own.Length;
                return found;
            }
        }
        return new ActivationsResult(count, options.BestInput, stages, layers);
    }

    private static void Require(ActivationsOptions options)
    {
        BestInputOptions best = options.BestInput;
        if (options.Limit < 0) throw new RequestException($"--limit {options.Limit}: not negative.");
        if (best.Steps < 1) throw new RequestException($"--steps {best.Steps}: at least 1.");
        if (best.Starts < 1) throw new RequestException($"--starts {best.Starts}: at least 1.");
        if (!(best.L2 >= 0) || !float.IsFinite(best.L2)) throw new RequestException($"--l2 {best.L2}: a number, not negative.");
        if (!(best.Blur >= 0) || !float.IsFinite(best.Blur)) throw new RequestException($"--blur {best.Blur}: a number, not negative.");
        if (best.Jitter < 0) throw new RequestException($"--jitter {best.Jitter}: not negative.");
    }

    private static StageFigures StageOf(Network network, int[] stages, ChannelTally[][] tallies, int index)
    {
        Node node = network.Nodes[stages[index]];
        ChannelTally[]? relu = Channels.ReluOf(network, stages[index]) is { } r ? tallies[Array.IndexOf(stages, r)] : null;
        return new StageFigures(node.Name, node.OutputShape[1], node.OutputShape[2], [.. tallies[index].Select((t, c) =>
            new ChannelFigures(c, t.Maximum, t.Mean, t.ActiveImages, t.ActivePositions, relu?[c].ActiveImages == 0))]);
    }

    private static StrongImage[] StrongestOf(Network network, int node, ChannelTally tally, LabelledImages images)
    {
        int width = network.Nodes[node].OutputShape[2];
        return [.. tally.Strongest.Select(s =>
        {
            int row = s.Position / width, column = s.Position % width;
            ImageRegion field = ReceptiveField.Window(network, node, row, column);
            return new StrongImage(s.Image, images.Labels[s.Image], row, column, s.Value, field.Top, field.Left);
        })];
    }
}

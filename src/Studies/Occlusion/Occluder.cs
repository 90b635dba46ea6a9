using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>An image and its cover on the device, where the covered images are made.</summary>
internal sealed class Occluder(Predictor predictor, DeviceArena arena)
{
    private readonly Occlusion occlusion = new(predictor.Device);
    private readonly Tensor<float> image = arena.Allocate<float>(predictor.Model.Network.InputShape);
    private readonly Tensor<float> cover = arena.Allocate<float>(predictor.Model.Network.InputShape);

    /// <summary>Takes an image and its cover: the predicted class and all probabilities when nothing is covered.</summary>
    public (int Predicted, float[] Probabilities) Load(StudyImage study, float[] covering)
    {
        image.CopyFrom(predictor.Model.Normalised(study.Pixels));
        cover.CopyFrom([.. covering.Select(predictor.Model.Normalised)]);
        float[] probabilities = predictor.Probabilities(1, (_, input) => input.CopyFrom(image));
        return (Predictor.MostProbable(probabilities), probabilities);
    }

    /// <summary>All probabilities, window after window.</summary>
    public float[] Probabilities(OcclusionWindows windows, Action<int> progress, CancellationToken cancellation) => predictor.Probabilities(
        windows.Count,
        (first, input) =>
        {
            progress(first);
            occlusion.Forward(image, cover, windows, first, input);
        },
        cancellation);
}

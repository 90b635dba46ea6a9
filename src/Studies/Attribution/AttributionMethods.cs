using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The methods that the study compares, by name, with the titles of the pictures.</summary>
internal static class AttributionMethods
{
    private static readonly (string Name, string Title)[] Known =
    [
        ("saliency", "Saliency"),
        ("gradient-x-input", "Gradient x input"),
        ("smoothgrad", "SmoothGrad"),
        ("integrated-gradients", "Integrated gradients"),
        ("guided-backprop", "Guided backprop"),
        ("deconvolution", "Deconvolution"),
        ("grad-cam", "Grad-CAM"),
        ("lrp", "LRP"),
        ("occlusion", "Occlusion"),
    ];

    public static string[] Names => [.. Known.Select(k => k.Name)];

    public static string Title(string name) => Known.First(k => k.Name == name).Title;

    /// <summary>A method as the options have it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="options">The options.</param>
    /// <param name="baselines">The baseline of each image, normalised as inputs are.</param>
    public static IAttribution Create(string name, AttributeOptions options, float[] baselines) => name switch
    {
        "saliency" => new Saliency(),
        "gradient-x-input" => new GradientTimesInput(),
        "smoothgrad" => new SmoothGrad { Samples = options.Samples, Noise = options.Noise, Seed = options.Seed },
        "integrated-gradients" => new IntegratedGradients { Steps = options.Steps, Baselines = baselines },
        "guided-backprop" => new GuidedBackpropagation(),
        "deconvolution" => new Deconvolution(),
        "grad-cam" => new GradCam { Layer = options.Layer },
        "lrp" => new LayerwiseRelevance { Epsilon = options.Epsilon },
        "occlusion" => new OcclusionAttribution { Window = options.Window, Stride = options.WindowStride, Covers = baselines },
        _ => throw new RequestException($"--methods {name}: there is no such method; known are {string.Join(", ", Names)}."),
    };
}

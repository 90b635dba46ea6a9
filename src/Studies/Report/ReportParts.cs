namespace GpuConv.Studies;

/// <summary>The parts of a report, in the order in which they run.</summary>
internal static class ReportParts
{
    public const string Train = "plain", TrainBatchNorm = "batchnorm", TrainRobust = "robust", Compare = "compare-batchnorm";
    public const string Filters = "filters", Activations = "activations", Occlusion = "occlusion", Attribute = "attribute";
    public const string Fool = "fool", TargetFromImage = "target-from-image", TargetFromNoise = "target-from-noise", Noise = "noise", Attack = "attack";

    private static readonly string Model = ReportPart.ModelOf(Train), Other = ReportPart.ModelOf(TrainBatchNorm), Robust = ReportPart.ModelOf(TrainRobust);

    // What usual and full reports have in common.
    private static readonly ReportPart[] Sight =
    [
        new(Filters, ["filters", "--model", Model], 12),
        new(Activations, ["activations", "--model", Model], 10),
        new(Occlusion, ["occlusion", "--model", Model], 15),
        new(Attribute, ["attribute", "--model", Model], 20),
    ];

    private static readonly ReportPart[] Targets =
    [
        new(TargetFromImage, ["target", "--case", "1", "--model", Model], 12),
        new(TargetFromNoise, ["target", "--case", "2", "--model", Model], 12),
    ];

    public static IReadOnlyList<ReportPart> Of(ReportSettings settings)
    {
        ReportPart[] parts = settings.Size switch
        {
            ReportSize.Quick => Quick(settings),
            ReportSize.Full => Full(settings),
            _ => Usual(settings),
        };
        return [.. parts.Select(p => p with { Arguments = [.. p.Arguments, .. Shared(settings, p.Command)] })];
    }

    private static ReportPart[] Trainings(int epochs) =>
    [
        new(Train, ["train", "--epochs", $"{epochs}"], 6.5 * epochs),
        new(TrainBatchNorm, ["train", "--batch-norm", "--epochs", $"{epochs}"], 6.7 * epochs),
    ];

    private static ReportPart[] Usual(ReportSettings settings)
    {
        int epochs = settings.Epochs ?? 10;
        return
        [
            .. Trainings(epochs),
            new(Compare, ["compare-batchnorm", "--seeds", "1", "--epochs", $"{epochs}", "--sweeps", "short"], 13.5 * epochs + 90),
            .. Sight,
            new(Fool, ["fool", "--model", Model], 30),
            .. Targets,
            new(Noise, ["noise", "--eps", "0.2,0.3", "--limit", "1000", "--model", Model, "--other", Other], 28),
            new(Attack, ["attack", "--method", "fgsm,pgd,apgd-ce,square,deepfool", "--queries", "300", "--curve", "0.1,0.2", "--limit", $"{settings.Attacked ?? 1000}", "--model", Model, "--model", Other], 110),
        ];
    }

    private static ReportPart[] Quick(ReportSettings settings)
    {
        int epochs = settings.Epochs ?? 2;
        string[] three = ["--images", "3,2,1"];
        return
        [
            new(Train, ["train", "--epochs", $"{epochs}", "--limit", "10000"], 1.4 * epochs),
            new(TrainBatchNorm, ["train", "--batch-norm", "--epochs", $"{epochs}", "--limit", "10000"], 1.5 * epochs),
            new(Compare, ["compare-batchnorm", "--seeds", "1", "--epochs", $"{epochs}", "--limit", "10000", "--sweeps", "none"], 3.2 * epochs + 3),
            new(Filters, ["filters", "--limit", "1000", "--model", Model], 2),
            new(Activations, ["activations", .. three, "--limit", "1000", "--steps", "32", "--starts", "1", "--model", Model], 4),
            new(Occlusion, ["occlusion", .. three, "--stride", "2", "--model", Model], 10),
            new(Attribute, ["attribute", .. three, "--steps", "32", "--samples", "10", "--sanity", "weights", "--model", Model], 4),
            new(Fool, ["fool", "--seeds", "1", "--regularise", "false", "--save-every", "0", "--model", Model], 4),
            new(TargetFromImage, ["target", "--case", "1", "--steps", "50", "--model", Model], 4),
            new(TargetFromNoise, ["target", "--case", "2", "--steps", "50", "--model", Model], 4),
            new(Noise, ["noise", "--eps", "0.3", "--steps", "50", "--limit", "500", "--model", Model, "--other", Other], 8),
            new(Attack, ["attack", "--method", "fgsm,pgd,deepfool", "--curve", "0.1,0.2", "--limit", $"{settings.Attacked ?? 100}", "--model", Model, "--model", Other], 5),
        ];
    }

    private static ReportPart[] Full(ReportSettings settings)
    {
        int epochs = settings.Epochs ?? 10;
        return
        [
            .. Trainings(epochs),
            new(Compare, ["compare-batchnorm", "--epochs", $"{epochs}", "--sweeps", "full"], 40 * epochs + 3600),
            new(TrainRobust, ["train", "--adversarial", "pgd", "--attack-steps", "10", "--epochs", $"{epochs}"], 70 * epochs),
            .. Sight,
            new(Fool, ["fool", "--model", Model], 24),
            .. Targets,
            new(Noise, ["noise", "--limit", "0", "--model", Model, "--other", Other], 240),
            new(Attack, ["attack", "--limit", $"{settings.Attacked ?? 0}", "--model", Model, "--model", Other, "--model", Robust], 6000),
        ];
    }

    // Filters have nothing random.
    private static string[] Shared(ReportSettings settings, string command) =>
    [
        .. settings.Data == new ReportSettings().Data ? (string[])[] : ["--data", settings.Data],
        .. settings.ImageSize is { } size ? (string[])["--image-size", size] : [],
        .. settings.Transpose == new ReportSettings().Transpose ? (string[])[] : ["--transpose", settings.Transpose],
        .. command is "train" or "compare-batchnorm" && settings.Validation != new ReportSettings().Validation ? (string[])["--validation", settings.Validation] : [],
        .. command == "filters" ? (string[])[] : ["--seed", $"{settings.Seed}"],
    ];
}

using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary><c>gpuconv attack</c>: how robust networks are against the attacks of the literature.</summary>
internal static class AttackCommand
{
    private const string All = "all";

    private static readonly AttackOptions Defaults = new();

    private static readonly Option<string> Method = new("--method") { Description = $"Attacks with commas between them, or {All}: {string.Join(", ", AttackMethods.Names)}", DefaultValueFactory = _ => string.Join(',', Defaults.Methods) };

    private static readonly Option<string> Norm = new Option<string>("--norm") { Description = "What is bounded: linf (the largest change of a pixel) or l2 (the Euclidean length); cw is in l2 and jsma in l0 (elements) whatever is given", DefaultValueFactory = _ => "linf" }.AcceptOnlyFromAmong("linf", "l2");

    private static readonly Option<float?> Eps = new("--eps") { Description = "The bound, on images of 0 to 1; without it 0.3 in linf and 2 in l2, and none for deepfool and cw, which look for the smallest perturbation" };

    private static readonly Option<float?> Alpha = new("--alpha") { Description = "The size of a step of bim, pgd (without it 2.5 eps / steps) and mi-fgsm (eps / steps)" };

    private static readonly Option<int?> Steps = new("--steps") { Description = "Steps; without it pgd 40, bim and mi-fgsm 10, apgd 100, deepfool 50, cw 1000" };

    private static readonly Option<int> Restarts = new("--restarts") { Description = "How often pgd, apgd and square start from another random place", DefaultValueFactory = _ => Defaults.Restarts };

    private static readonly Option<int> Queries = new("--queries") { Description = "How often square asks the network about an image (5000 in AutoAttack)", DefaultValueFactory = _ => Defaults.Queries };

    private static readonly Option<float> Gamma = new("--gamma") { Description = "The share of an image's elements that jsma may change", DefaultValueFactory = _ => Defaults.Gamma };

    private static readonly Option<string?> Target = new("--target") { Description = "Targeted: a class, next (the label plus one) or random; without it any other class will do" };

    private static readonly Option<string?> Curve = new("--curve") { Description = "Bounds of the curve with commas between them, as 0,0.1,0.2; none: no curve beyond --eps" };

    private static readonly Option<string?> Transfer = new("--transfer") { Description = "The attack whose images the other networks see, of several --model; without it the first of mi-fgsm, pgd, bim, apgd-ce, fgsm" };

    private static readonly Option<int> Limit = new("--limit") { Description = "The first N test images; 0: all", DefaultValueFactory = _ => 1000 };

    private static readonly Option<bool> SaveImages = new("--save-images") { Description = "Write originals.npy, adversarial.npy (of the first attack on the first network) and labels.npy, and the others as adversarial-NETWORK-ATTACK.npy" };

    private static readonly Option<string[]> Models = new("--model") { Description = "A model, as 'gpuconv train' wrote it, or of PyTorch's or ONNX; several: each after a --model of its own" };

    public static Command Create()
    {
        var command = new Command("attack", "Attacks networks with FGSM, PGD, APGD, Square, DeepFool and others: accuracy that is left, sizes of perturbations, curves, samples, and networks against one another.\n\nExamples:\n  gpuconv attack --limit 200\n  gpuconv attack --model runs/plain/best.safetensors --model runs/robust/best.safetensors --method pgd,apgd-ce,square --eps 0.3\n  gpuconv attack --method pgd,deepfool,cw --norm l2 --eps 2 --limit 100\n  gpuconv attack --method pgd --target next --save-images");
        foreach (Option option in (Option[])[Method, Norm, Eps, Alpha, Steps, Restarts, Queries, Gamma, Target, Curve, Transfer, Limit, SaveImages, Models, .. CommonOptions.OfStudies])
            command.Add(option);
        command.SetAction(Run);
        return command.Keep("attack.json");
    }

    private static int Run(ParseResult parsed)
    {
        AttackOptions options = OptionsOf(parsed);
        bool json = parsed.GetValue(CommonOptions.Json), quiet = json || parsed.GetValue(CommonOptions.Quiet);
        DataSet data = StudyData.Load(parsed);
        int limit = parsed.GetValue(Limit);
        if (limit < 0) throw new RequestException($"--limit {limit}: not negative.");
        LabelledImages images = limit == 0 ? data.Test : data.Test.First(Math.Min(limit, data.Test.Count));
        if (parsed.GetValue(Method) == All)
        {
            foreach (string why in options.Methods.Select(m => AttackMethods.WhyNot(m, data.Classes)).OfType<string>()) Console.Error.WriteLine($"left out: {why}");
            options = options with { Methods = [.. options.Methods.Where(m => AttackMethods.WhyNot(m, data.Classes) is null)] };
        }
        AttackMethods.Require(options, images.ImageShape, data.Classes);
        int[]? targets = TargetsOf(parsed, images, data.Classes, options);
        using Device device = parsed.OpenDevice();
        NamedModel[] models = ModelsOf(parsed, data, device);
        foreach (NamedModel named in models)
        {
            StudyModel.RequireFit(named.Model, data);
            if (named.Model.Classes < data.Classes) throw new RequestException($"{named.File} tells {named.Model.Classes} classes apart, {data.Name} has {data.Classes}.");
        }
        AttackStudyResult result = new StudyDisplay(quiet).Follow(progress => AttackStudy.Run(device, models, images, targets, parsed.GetValue(Target), options, progress, Invocation.Token));

        string folder = StudyFolder.Create(parsed.GetValue(CommonOptions.Out), "attack");
        string text = JsonSerializer.Serialize(result, StudiesJson.Default.AttackStudyResult) + "\n";
        AtomicFile.WriteAllText(Path.Combine(folder, "attack.json"), text);
        AtomicFile.WriteAllText(Path.Combine(folder, "attack.csv"), Csv(result));
        AtomicFile.WriteAllText(Path.Combine(folder, "curves.csv"), CurvesCsv(result));
        WritePictures(result, images.ImageShape, ClassNames.Of(models[0].Model, data), folder, parsed.FormatOf());
        if (parsed.GetValue(SaveImages)) WriteImages(result, images, folder);
        Console.Write(json ? text : Text(result));
        foreach (string warning in result.Warnings) Console.Error.WriteLine($"warning: {warning}");
        if (!quiet) Console.Error.WriteLine($"results in {folder}");
        return Invocation.Done;
    }

    private static AttackOptions OptionsOf(ParseResult parsed)
    {
        string methods = parsed.GetValue(Method)!;
        return new AttackOptions
        {
            Methods = methods == All ? AttackMethods.Names : methods.Split(',', StringSplitOptions.TrimEntries),
            Norm = parsed.GetValue(Norm) == "l2" ? PerturbationNorm.L2 : PerturbationNorm.Linf,
            Epsilon = parsed.GetValue(Eps),
            Alpha = parsed.GetValue(Alpha),
            Steps = parsed.GetValue(Steps),
            Restarts = parsed.GetValue(Restarts),
            Queries = parsed.GetValue(Queries),
            Gamma = parsed.GetValue(Gamma),
            Curve = BoundsOf(parsed.GetValue(Curve)),
            Transfer = parsed.GetValue(Transfer),
            Seed = parsed.GetValue(CommonOptions.Seed),
        };
    }

    private static float[]? BoundsOf(string? text)
    {
        if (text is null) return null;
        if (text == "none") return [];
        return NumberText.List(text, 0, float.MaxValue) ?? throw new RequestException($"--curve {text}: numbers from 0 with commas between them, as 0,0.1,0.2, or none.");
    }

    private static int[]? TargetsOf(ParseResult parsed, LabelledImages images, int classes, AttackOptions options)
    {
        if (parsed.GetValue(Target) is not { } target) return null;
        string? cannot = options.Methods.FirstOrDefault(m => !AttackMethods.Create(m, options, options.Bound, images.ImageSize).CanTarget);
        if (cannot is not null) throw new RequestException($"--target: {cannot} has no targeted form. Leave it out of --method.");
        var random = new RandomSequence(options.Seed);
        return target switch
        {
            "next" => [.. images.Labels.Select(l => (l + 1) % classes)],
            "random" => [.. images.Labels.Select(l => (l + 1 + random.NextInt(classes - 1)) % classes)],
            _ => int.TryParse(target, NumberStyles.None, CultureInfo.InvariantCulture, out int c) && c < classes ? [.. images.Labels.Select(_ => c)] : throw new RequestException($"--target {target}: a class from 0 to {classes - 1}, next or random."),
        };
    }

    private static NamedModel[] ModelsOf(ParseResult parsed, DataSet data, Device device)
    {
        string[] files = parsed.GetValue(Models) ?? [];
        if (files.Length == 0) return [new NamedModel(NetworkInput.TextOf(parsed) is null ? "report's network" : "own network", null, StudyModel.Of(parsed, data, device))];
        string[] names = [.. files.Select(NameOf)];
        return [.. files.Select((file, i) => new NamedModel(names.Count(n => n == names[i]) > 1 ? $"{names[i]} ({i + 1})" : names[i], file, StudyModel.Read(parsed, file, data)))];

        // Its run's, where the file is called as all are.
        static string NameOf(string file)
        {
            string name = Path.GetFileNameWithoutExtension(file);
            string? run = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file)));
            return string.IsNullOrEmpty(run) || name is not ("best" or "model" or "init") ? name : name == "best" ? run : $"{run}/{name}";
        }
    }

    private static void WritePictures(AttackStudyResult result, Shape shape, ClassNames names, string folder, PictureFormat format)
    {
        if (result.Models[0].Curves.Count > 0) AttackPictures.Curves(result, names).Write(folder, "curves", format);
        if (result.Transfer is not null) AttackPictures.Transfer(result).Write(folder, "transfer", format);
        foreach (AttackedModel model in result.Models)
        {
            foreach (AttackSamples samples in model.Samples.Where(s => s.Images.Count > 0))
                AttackPictures.Samples(model.Name, samples, shape, names).Write(folder, $"samples{(result.Models.Count > 1 ? "-" + StudyFolder.FileName(model.Name) : "")}-{samples.Attack.Name}", format);
        }
    }

    private static void WriteImages(AttackStudyResult result, LabelledImages images, string folder)
    {
        Shape shape = images.ImageShape.Prepend(images.Count);
        NpyFile.Write(Path.Combine(folder, "originals.npy"), shape, [.. images.Pixels.Select(v => v / 255f)]);
        NpyFile.Write(Path.Combine(folder, "labels.npy"), new Shape(images.Count), images.Labels);
        for (int m = 0; m < result.Models.Count; m++)
        {
            AttackedModel model = result.Models[m];
            for (int a = 0; a < model.Attacks.Count; a++)
                NpyFile.Write(Path.Combine(folder, m + a == 0 ? "adversarial.npy" : $"adversarial-{StudyFolder.FileName(model.Name)}-{model.Attacks[a].Name}.npy"), shape, model.Adversarial[a]);
        }
    }

    private static string Text(AttackStudyResult result)
    {
        var text = new StringBuilder();
        foreach (AttackedModel model in result.Models)
        {
            var table = new TextTable("attack", "norm", ">bound", ">steps", ">robust", ">fooled", ">mean size", ">median size", ">images/s");
            foreach (AttackRow a in model.Attacks)
                table.Add(a.Name, a.Norm, a.Eps is { } e ? $"{e:0.####}" : "-", (a.Steps ?? a.Queries) is { } s ? $"{s}" : "-", $"{100 * a.RobustAccuracy:f2} %", $"{a.Fooled} of {a.Attacked}", Size(a.MeanNorm), Size(a.MedianNorm), $"{a.ImagesPerSecond:f1}");
            text.Append(CultureInfo.InvariantCulture, $"{model.Name}: {100 * model.CleanAccuracy:f2} % of {result.Images} images recognised{(model.WorstCase is { } worst ? $"; with {result.Norm} up to {result.Eps:0.####}, {100 * worst:f2} % withstand every attack" : "")}\n{table}\n");
            if (model.Attacks.Any(a => a.FooledAsPictures < a.Fooled))
                text.Append(CultureInfo.InvariantCulture, $"rounded to the 256 levels of a picture, still fool: {string.Join(", ", model.Attacks.Select(a => $"{a.FooledAsPictures} of {a.Fooled} ({a.Name})"))}\n\n");
        }
        if (result.Transfer is { } t)
        {
            var table = new TextTable([$"{t.Attack} on", .. t.Models.Select(m => ">seen by " + m)]);
            for (int i = 0; i < t.Models.Count; i++) table.Add([t.Models[i], .. t.Accuracy[i].Select(a => $"{100 * a:f2} %")]);
            text.Append(CultureInfo.InvariantCulture, $"accuracy on images made against another network\n{table}\n");
        }
        return text.ToString();

        static string Size(double? size) => size is { } s ? $"{s:0.####}" : "-";
    }

    private static string Csv(AttackStudyResult result)
    {
        var text = new StringBuilder("model,name,norm,eps,alpha,steps,queries,restarts,clean_accuracy,robust_accuracy,attacked,fooled,fooled_as_pictures,mean_norm,median_norm,seconds,images_per_second\n");
        foreach (AttackedModel m in result.Models)
            foreach (AttackRow a in m.Attacks)
                text.Append(CultureInfo.InvariantCulture, $"{CsvText.Quoted(m.Name)},{a.Name},{a.Norm},{a.Eps},{a.Alpha},{a.Steps},{a.Queries},{a.Restarts},{m.CleanAccuracy},{a.RobustAccuracy},{a.Attacked},{a.Fooled},{a.FooledAsPictures},{a.MeanNorm},{a.MedianNorm},{a.Seconds},{a.ImagesPerSecond}\n");
        return text.ToString();
    }

    private static string CurvesCsv(AttackStudyResult result)
    {
        var text = new StringBuilder("model,attack,norm,epsilon,accuracy\n");
        foreach (AttackedModel m in result.Models)
            foreach (AttackCurve c in m.Curves)
                foreach (CurvePoint p in c.Points) text.Append(CultureInfo.InvariantCulture, $"{CsvText.Quoted(m.Name)},{c.Attack},{result.Norm},{p.Epsilon},{p.Accuracy}\n");
        return text.ToString();
    }
}

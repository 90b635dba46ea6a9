using GpuConv.Kernels;
using GpuConv.Net;

namespace GpuConv.Studies;

/// <summary>The attacks by the names of --method, with the options that each has.</summary>
internal static class AttackMethods
{
    private static readonly string[] MadeForTransfer = ["mi-fgsm", "pgd", "bim", "apgd-ce", "fgsm"];

    public static string[] Names => ["fgsm", "bim", "pgd", "mi-fgsm", "apgd-ce", "apgd-dlr", "apgd-t", "square", "deepfool", "cw", "jsma"];

    /// <summary>The attack of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="options">The options.</param>
    /// <param name="epsilon">The bound.</param>
    /// <param name="elements">The elements of an image.</param>
    public static IAttack Create(string name, AttackOptions options, float epsilon, int elements)
    {
        PerturbationNorm norm = options.Norm;
        var pgd = new Pgd { Epsilon = epsilon, Norm = norm };
        return name switch
        {
            "fgsm" => Pgd.Fgsm(epsilon, norm),
            "bim" => Pgd.Bim(epsilon, options.Alpha, options.Steps ?? 10, norm),
            "pgd" => pgd with { Alpha = options.Alpha, Steps = options.Steps ?? pgd.Steps, Restarts = options.Restarts },
            "mi-fgsm" => new MiFgsm { Epsilon = epsilon, Norm = norm, Alpha = options.Alpha, Steps = options.Steps ?? 10 },
            "apgd-ce" => Steps(Apgd.Ce(epsilon, norm)),
            "apgd-dlr" => Steps(new Apgd { Epsilon = epsilon, Norm = norm }),
            "apgd-t" => Steps(Apgd.T(epsilon, norm)),
            "square" => new Square { Epsilon = epsilon, Norm = norm, Queries = options.Queries, Restarts = options.Restarts },
            "deepfool" => new DeepFool { Norm = norm, Steps = options.Steps ?? 50, Epsilon = options.Epsilon is null ? null : epsilon },
            "cw" => new CarliniWagner { Steps = options.Steps ?? 1000, Epsilon = options.Epsilon is null || norm != PerturbationNorm.L2 ? null : epsilon },
            "jsma" => new Jsma { Elements = (int)(options.Gamma * elements) },
            _ => throw new RequestException($"--method {name}: there are {string.Join(", ", Names)}."),
        };

        Apgd Steps(Apgd apgd) => apgd with { Steps = options.Steps ?? apgd.Steps, Restarts = options.Restarts };
    }

    /// <summary>The attack whose images go to other networks.</summary>
    public static string ForTransfer(AttackOptions options) => options.Transfer ?? MadeForTransfer.FirstOrDefault(options.Methods.Contains, options.Methods[0]);

    /// <summary>Whether it takes many steps along gradients.</summary>
    public static bool IsIterative(IAttack attack) => attack is Pgd { Steps: > 1 } or MiFgsm or Apgd;

    /// <summary>The size of a step, the steps and the queries, of attacks that have them.</summary>
    public static (float? Alpha, int? Steps, int? Queries) Settings(IAttack attack) => attack switch
    {
        Pgd p => (p.Alpha ?? 2.5f * p.Epsilon / p.Steps, p.Steps, null),
        MiFgsm m => (m.Alpha ?? m.Epsilon / m.Steps, m.Steps, null),
        Apgd a => (null, a.Steps, null),
        DeepFool d => (null, d.Steps, null),
        CarliniWagner c => (null, c.Steps, null),
        Square s => (null, null, s.Queries),
        _ => (null, null, null),
    };

    public static string NameOf(PerturbationNorm norm) => norm.ToString().ToLowerInvariant();

    /// <summary>A bound of images of 0 to 1; more than 1 is one of images of 0 to 255.</summary>
    /// <exception cref="RequestException">It is none.</exception>
    public static void RequireBound(string option, float bound, PerturbationNorm norm = PerturbationNorm.Linf)
    {
        if (!(bound >= 0)) throw new RequestException($"{option} {bound}: a number from 0, on images of 0 to 1.");
        if (bound > 1 && norm == PerturbationNorm.Linf) throw new RequestException($"{option} {bound}: images are of 0 to 1, so at most 1; for pixels of 0 to 255 write {bound:0.###}/255.");
    }

    /// <summary>Why an attack is not defined for so many classes; null: it is.</summary>
    public static string? WhyNot(string method, int classes) => classes < 3 && method == "apgd-dlr" ? "apgd-dlr needs three classes: its ratio is of differences between the largest three scores." : null;

    public static void Require(AttackOptions options, Shape image, int classes)
    {
        if (options.Methods.Length == 0 || options.Methods.Distinct().Count() < options.Methods.Length) throw new RequestException("--method: each attack once, at least one.");
        foreach (string method in options.Methods) Create(method, options, options.Bound, image.Count);
        if (options.Epsilon is { } e) RequireBound("--eps", e, options.Norm);
        foreach (float bound in options.Curve ?? []) RequireBound("--curve", bound, options.Norm);
        if (options.Alpha is { } a && !(a > 0 && float.IsFinite(a))) throw new RequestException($"--alpha {a}: a positive number.");
        if (options.Steps < 1) throw new RequestException($"--steps {options.Steps}: at least 1.");
        if (options.Restarts < 1) throw new RequestException($"--restarts {options.Restarts}: at least 1.");
        if (options.Queries < 1) throw new RequestException($"--queries {options.Queries}: at least 1.");
        if (!(options.Gamma is > 0 and <= 1)) throw new RequestException($"--gamma {options.Gamma}: a share above 0, up to 1.");
        if (options.Transfer is { } transfer && !options.Methods.Contains(transfer)) throw new RequestException($"--transfer {transfer}: --method does not name it.");
        if (options.Methods.Select(m => WhyNot(m, classes)).FirstOrDefault(why => why is not null) is { } why) throw new RequestException(why);
        if (classes < 2) throw new RequestException("The model knows one class: there is no other that an image could be taken for.");
    }
}

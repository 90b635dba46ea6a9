namespace GpuConv.Peers;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    /// <summary>The first argument of a worker process; not for people.</summary>
    public const string WorkerCommand = "--worker";

    public const string Help =
        """
        Times GpuConv beside PyTorch and ONNX Runtime on this processor: training step, inference, an attack, single operators.

          --only TEXT      only cases whose name contains TEXT (train, infer, attack, conv, "batch 64")
          --rounds N       rounds in which the peers take turns (default 9)
          --seconds S      how long each peer runs in each round (default 0.4)
          --threads N      threads of each library (default: all processors)
          --json           the result as JSON on standard output
          --markdown       the table once more, as bench/README.md shows it
          --require        fail if a peer could not run
          --factor F       fail if a training step at batch 64 or 256, or an attack, is less than F times faster than PyTorch's
          --one-process    all libraries in one process, to see how they disturb each other

        Example: dotnet run -c Release --project bench/Peers -- --only train --rounds 5
        """;

    public string Only { get; init; } = "";

    public int Rounds { get; init; } = 9;

    public double Seconds { get; init; } = 0.4;

    public int Threads { get; init; } = Environment.ProcessorCount;

    public bool AsJson { get; init; }

    public bool AsMarkdown { get; init; }

    public bool Require { get; init; }

    public double Factor { get; init; }

    public bool OneProcess { get; init; }

    /// <summary>Reads the command line.</summary>
    /// <exception cref="FormatException">An option is unknown or its value is not what it takes.</exception>
    public static Options Parse(string[] args)
    {
        var options = new Options();
        for (int i = 0; i < args.Length; i++)
        {
            string name = args[i];
            string Value() => ++i < args.Length ? args[i] : throw new FormatException($"{name} needs a value.");
            double Number(double least) => double.TryParse(Value(), out double value) && value >= least ? value : throw new FormatException($"{name} takes a number of at least {least}, not '{args[i]}'.");
            options = name switch
            {
                "--only" => options with { Only = Value() },
                "--rounds" => options with { Rounds = (int)Number(1) },
                "--seconds" => options with { Seconds = Number(0.01) },
                "--threads" => options with { Threads = (int)Number(1) },
                "--json" => options with { AsJson = true },
                "--markdown" => options with { AsMarkdown = true },
                "--require" => options with { Require = true },
                "--factor" => options with { Factor = Number(0) },
                "--one-process" => options with { OneProcess = true },
                _ => throw new FormatException($"There is no option '{name}'; --help lists them."),
            };
        }
        return options;
    }
}

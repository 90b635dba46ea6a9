using System.Text.Json;

namespace GpuConv.Peers;

/// <summary>A process that does what it is told, line by line: it holds one peer, or with --one-process all of them.</summary>
internal static class Worker
{
    /// <summary>Answers requests until there are no more.</summary>
    public static int Serve(int threads)
    {
        // Native libraries may write to standard output; what they say there must not mix with the answers.
        using var answers = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        Console.SetOut(Console.Error);
        var contestants = new Dictionary<string, Contestant>();
        while (Console.In.ReadLine() is { } line)
        {
            Request request = JsonSerializer.Deserialize<Request>(line, Json.Line)!;
            Reply reply;
            try
            {
                reply = Answer(request, contestants, threads);
            }
            catch (Exception e)
            {
                // A library that is missing something says so in the innermost exception.
                reply = new Reply { Error = e.GetBaseException().Message };
            }
            answers.WriteLine(JsonSerializer.Serialize(reply, Json.Line));
        }
        foreach (Contestant contestant in contestants.Values) contestant.Dispose();
        return 0;
    }

    private static Reply Answer(Request request, Dictionary<string, Contestant> contestants, int threads)
    {
        if (!contestants.TryGetValue(request.Peer, out Contestant? contestant))
        {
            contestants[request.Peer] = contestant = new Contestant(PeerNames.Open(request.Peer, threads));
            return new Reply { Description = contestant.Description };
        }
        if (request.Case is not null) return contestant.Prepare(Case.All.Single(c => c.Name == request.Case), request.Expected);
        return new Reply { Milliseconds = contestant.Run(request.Milliseconds) };
    }
}

/// <summary>The peers by name.</summary>
internal static class PeerNames
{
    public const string Ours = "GpuConv", PyTorch = "PyTorch", OnnxRuntime = "ONNX Runtime";

    /// <summary>All of them; ours is the first.</summary>
    public static readonly string[] All = [Ours, PyTorch, OnnxRuntime];

    /// <summary>Loads a peer's library.</summary>
    public static IPeer Open(string name, int threads) => name switch
    {
        Ours => new OurPeer(threads),
        PyTorch => new TorchPeer(threads),
        OnnxRuntime => new OnnxPeer(threads),
        _ => throw new ArgumentException($"There is no peer '{name}'."),
    };
}

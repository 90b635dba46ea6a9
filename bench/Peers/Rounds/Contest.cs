namespace GpuConv.Peers;

/// <summary>
/// Conducts a run: for each case every peer prepares, their results are compared, then they take turns in rounds, so that whatever
/// else the machine does hits all alike. Only one library works at a time; the others' threads have gone to sleep by then.
/// </summary>
internal sealed class Contest : IDisposable
{
    // Threads of OpenMP and ONNX Runtime spin for some milliseconds after their last work: nobody starts before that is over.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Options options;
    private readonly Dictionary<string, WorkerProcess> workers = [];
    private readonly List<WorkerProcess> processes = [];
    private readonly List<PeerResult> peers = [];

    public Contest(Options options)
    {
        this.options = options;
        // In processes of their own each library has its own allocator, threads and environment, and cannot take another down.
        foreach (string peer in PeerNames.All)
        {
            if (processes.Count == 0 || !options.OneProcess)
                processes.Add(new WorkerProcess(options.Threads, tuneAllocator: options.OneProcess || peer == PeerNames.PyTorch));
            workers[peer] = processes[^1];
            Reply hello = workers[peer].Ask(new Request(peer));
            peers.Add(new PeerResult(peer, hello.Description, hello.Error));
        }
    }

    /// <summary>The peers, with the reason of those that could not run.</summary>
    public IReadOnlyList<PeerResult> Peers => peers;

    /// <summary>Runs a case.</summary>
    public CaseResult Run(Case work)
    {
        var prepared = new Dictionary<string, Reply>();
        foreach (PeerResult peer in peers.Where(p => p.Error is null))
            prepared[peer.Name] = workers[peer.Name].Ask(new Request(peer.Name, work.Name, prepared.GetValueOrDefault(PeerNames.Ours)?.Results));
        Dictionary<string, string> errors = prepared.Where(p => p.Value.Error is not null).ToDictionary(p => p.Key, p => p.Value.Error!);

        string[] running = [.. prepared.Where(p => !p.Value.Unsupported && !errors.ContainsKey(p.Key)).Select(p => p.Key)];
        var medians = running.ToDictionary(p => p, _ => new List<double>());
        var load = ProcessorLoad.Now(processes.Select(p => p.Id));
        for (int round = 0; round < options.Rounds; round++)
        {
            foreach (string peer in running.Where(p => !errors.ContainsKey(p)))
            {
                Thread.Sleep(Pause);
                Reply reply = workers[peer].Ask(new Request(peer, Milliseconds: 1000 * options.Seconds));
                if (reply.Error is not null) errors[peer] = reply.Error;
                else medians[peer].Add(Median.Of(reply.Milliseconds));
            }
        }
        double? others = load.OthersShareUntil(ProcessorLoad.Now(processes.Select(p => p.Id)));
        List<double> ours = medians.GetValueOrDefault(PeerNames.Ours, []);
        return new CaseResult(work.Name, others, [.. prepared.Where(p => !p.Value.Unsupported).Select(p => Timed(p.Key, p.Value))]);

        Timing Timed(string peer, Reply reply)
        {
            double[] theirs = [.. medians.GetValueOrDefault(peer, [])];
            return new Timing(peer, errors.GetValueOrDefault(peer), reply.Chosen, reply.Tried, theirs, [.. theirs.Zip(ours, (their, our) => their / our)]);
        }
    }

    public void Dispose()
    {
        foreach (WorkerProcess process in processes) process.Dispose();
    }
}

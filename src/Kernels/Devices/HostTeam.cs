using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace GpuConv.Kernels;

/// <summary>
/// The work of a CPU kernel: a number of items, each done by one thread, in any order. What an item computes depends on its number
/// alone, never on the thread, so results are the same to the bit on any number of threads.
/// </summary>
internal interface IHostKernel
{
    /// <summary>Does one item.</summary>
    /// <typeparam name="TSimd">The vector operations of this processor.</typeparam>
    /// <typeparam name="TVector">The vector they work on.</typeparam>
    /// <param name="item">The item's number.</param>
    /// <param name="scratch">Memory of this thread, 64-byte aligned, as large as was reserved; its content is undefined.</param>
    unsafe void Run<TSimd, TVector>(int item, float* scratch)
        where TSimd : struct, ISimd<TVector>
        where TVector : struct;
}

// A kernel's views hold references: its copy lies on the caller's stack, where the collector finds them and nothing moves, until the last thread is done.
#pragma warning disable CS8500 // the address of a managed type

/// <summary>
/// A team of threads that runs CPU kernels over the CPU accelerator's memory. Starting a kernel costs one to two microseconds while
/// the team is busy: workers spin for a while before they sleep. (An ILGPU launch on the CPU accelerator costs 70 to 110.)
/// Nobody waits for a worker that has not begun: where a processor is missing, the others do its share.
/// </summary>
internal sealed unsafe class HostTeam : IDisposable
{
    // About 100 microseconds: longer than the gaps between the kernels of a step.
    private const int SpinsBeforeSleep = 2000;

    private const int Closed = int.MinValue;

    private readonly Worker[] workers;
    private readonly nint[] scratch;
    private nuint scratchBytes;

    private delegate*<void*, int, float*, void> body;
    private void* kernel;
    private int items;
    private readonly Share[] shares;

    // Workers at work on the current kernel; with Closed added, nobody may join any more.
    private int active = Closed;
    private int generation;
    private volatile bool stopping;

    /// <summary>Starts a team.</summary>
    /// <param name="threads">How many threads work, the caller's included.</param>
    /// <param name="simdBits">The width of their vectors, one of <see cref="SimdWidth.All"/>.</param>
    public HostTeam(int threads, int simdBits)
    {
        Threads = threads;
        SimdBits = simdBits;
        workers = new Worker[threads - 1];
        scratch = new nint[threads];
        shares = new Share[threads];
        for (int i = 0; i < workers.Length; i++) workers[i] = new Worker(this, i + 1);
    }

    /// <summary>The number of threads that work, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>The width in bits of the vectors that kernels are run with; 0: plain floats.</summary>
    public int SimdBits { get; }

    /// <summary>Makes sure that each thread's scratch memory has room. Called when operators are built, not while they run.</summary>
    public void ReserveScratch(long floats)
    {
        nuint bytes = (nuint)floats * sizeof(float);
        if (bytes <= scratchBytes) return;
        for (int i = 0; i < scratch.Length; i++)
        {
            NativeMemory.AlignedFree((void*)scratch[i]);
            scratch[i] = (nint)NativeMemory.AlignedAlloc(bytes, 64);
        }
        scratchBytes = bytes;
    }

    /// <summary>Where runs are recorded; null: nowhere.</summary>
    public Profile? Profile { get; set; }

    /// <summary>Runs all items of a kernel and returns when the last is done. Must be called by one thread at a time.</summary>
    public void Run<TKernel>(in TKernel work, int items) where TKernel : struct, IHostKernel
    {
        long start = Profile is null ? 0 : Stopwatch.GetTimestamp();
        RunItems(work, items);
        Profile?.Add(typeof(TKernel), start, items);
    }

    private void RunItems<TKernel>(in TKernel work, int items) where TKernel : struct, IHostKernel
    {
        TKernel copy = work;
        body = BodyOf<TKernel>();
        if (workers.Length == 0 || items <= 1)
        {
            for (int i = 0; i < items; i++) body(&copy, i, (float*)scratch[0]);
            return;
        }
        kernel = &copy;
        this.items = items;
        for (int i = 0; i < shares.Length; i++) shares[i].Next = First(i);
        Volatile.Write(ref active, 0);
        // A full fence: the announcements of sleep are read after this is seen, or a worker could sleep through it.
        Interlocked.Increment(ref generation);
        foreach (Worker worker in workers) worker.Wake();
        Work(0);
        // All items are taken. Who has joined is waited for; who has not must not touch this frame's kernel any more.
        Interlocked.Add(ref active, Closed);
        var spin = default(SpinWait);
        while (Volatile.Read(ref active) != Closed)
        {
            if (spin.Count < 200) Thread.SpinWait(8);
            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    public void Dispose()
    {
        stopping = true;
        Interlocked.Increment(ref generation);
        foreach (Worker worker in workers) worker.Dispose();
        for (int i = 0; i < scratch.Length; i++) NativeMemory.AlignedFree((void*)scratch[i]);
        Array.Clear(scratch);
    }

    private void JoinAndWork(int thread)
    {
        int joined = Volatile.Read(ref active);
        while (joined >= 0)
        {
            int before = Interlocked.CompareExchange(ref active, joined + 1, joined);
            if (before == joined)
            {
                Work(thread);
                Interlocked.Decrement(ref active);
                return;
            }
            joined = before;
        }
    }

    private void Work(int thread)
    {
        for (int i = 0; i < shares.Length; i++)
        {
            int owner = (thread + i) % shares.Length, end = First(owner + 1);
            while (true)
            {
                int item = Interlocked.Increment(ref shares[owner].Next) - 1;
                if (item >= end) break;
                body(kernel, item, (float*)scratch[thread]);
            }
        }
    }

    private int First(int share) => (int)((long)items * share / shares.Length);

    // The items of a thread that are still to be taken, by itself first and then by whoever has done his own: the same thread works on the same images
    // from kernel to kernel, and finds them in its own cache. On a cache line of its own, and the one that is prefetched with it.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Share
    {
        [FieldOffset(0)]
        public int Next;
    }

    // The one place that chooses the vector width; each kernel is compiled only for those that are run.
    private delegate*<void*, int, float*, void> BodyOf<TKernel>() where TKernel : struct, IHostKernel => SimdBits switch
    {
        512 => &Invoke<TKernel, Simd512, Vector512<float>>,
        256 => &Invoke<TKernel, Simd256, Vector256<float>>,
        128 => &Invoke<TKernel, Simd128, Vector128<float>>,
        _ => &Invoke<TKernel, SimdScalar, Float4>,
    };

    // Not optimised, so that nothing is inlined here: the JIT gives a small method little room for inlining, and a kernel needs all of its own.
    [MethodImpl(MethodImplOptions.NoOptimization)]
    private static void Invoke<TKernel, TSimd, TVector>(void* kernel, int item, float* scratch)
        where TKernel : struct, IHostKernel
        where TSimd : struct, ISimd<TVector>
        where TVector : struct =>
        Unsafe.AsRef<TKernel>(kernel).Run<TSimd, TVector>(item, scratch);

    private sealed class Worker : IDisposable
    {
        private readonly HostTeam team;
        private readonly int index;
        private readonly Thread thread;
        private readonly SemaphoreSlim semaphore = new(0);
        private int asleep;

        public Worker(HostTeam team, int index)
        {
            this.team = team;
            this.index = index;
            thread = new Thread(Loop) { IsBackground = true, Name = $"GpuConv worker {index}" };
            thread.Start();
        }

        public void Wake()
        {
            if (Volatile.Read(ref asleep) == 1 && Interlocked.Exchange(ref asleep, 0) == 1) semaphore.Release();
        }

        public void Dispose()
        {
            Wake();
            thread.Join();
            semaphore.Dispose();
        }

        private void Loop()
        {
            int seen = 0;
            while (true)
            {
                Await(seen);
                seen = Volatile.Read(ref team.generation);
                if (team.stopping) return;
                team.JoinAndWork(index);
            }
        }

        private void Await(int seen)
        {
            for (int i = 0; i < SpinsBeforeSleep; i++)
            {
                if (Volatile.Read(ref team.generation) != seen) return;
                Thread.SpinWait(4);
            }
            // Announce the sleep, then look once more: whoever takes the announcement back decides whether a release is due.
            Interlocked.Exchange(ref asleep, 1);
            if (Volatile.Read(ref team.generation) != seen && Interlocked.Exchange(ref asleep, 0) == 1) return;
            semaphore.Wait();
        }
    }
}

using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using GpuConv.Bench;

// quick: seconds for an overview. Anything else is for BenchmarkDotNet.
if (args is ["quick", .. var rest])
{
    QuickBench.Run(rest);
    return 0;
}
IEnumerable<Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, new KernelConfig());
// A kernel that failed its check has no figures, and the run has failed.
return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;

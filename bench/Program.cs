using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using GpuConv.Bench;

IEnumerable<Summary> summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, new KernelConfig());
// A kernel that failed its check has no figures, and the run has failed.
return summaries.Any(s => s.HasCriticalValidationErrors || s.Reports.Any(r => !r.Success)) ? 1 : 0;

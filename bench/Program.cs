using BenchmarkDotNet.Running;
using GpuConv.Bench;

// quick: seconds for an overview. Anything else is for BenchmarkDotNet.
if (args is ["quick", .. var rest]) QuickBench.Run(rest);
else BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args);

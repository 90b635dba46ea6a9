namespace GpuConv.Bench;

/// <summary>What one run of a kernel costs at least.</summary>
/// <param name="Flops">Floating-point operations; 0 where moving data is all.</param>
/// <param name="Bytes">Bytes moved if each tensor is read or written once.</param>
internal readonly record struct Cost(long Flops, long Bytes);

/// <summary>A benchmark's parameter that knows the cost of each of its methods.</summary>
internal interface ICosted
{
    /// <summary>The cost of a benchmark method.</summary>
    /// <param name="method">The method's name.</param>
    Cost CostOf(string method);
}

using System.Reflection;
using System.Reflection.Emit;
using GpuConv.Kernels;
using ILGPU.Runtime.Cuda;

namespace GpuConv.Tests;

/// <summary>A kernel of GPUs, in one of the forms in which the library loads it.</summary>
/// <param name="Name">Its struct, with its type arguments.</param>
/// <param name="Method">The method that is compiled: it runs the struct.</param>
internal sealed record GpuKernel(string Name, MethodInfo Method)
{
    /// <summary>Whether it works in groups of threads; else it has an index of its own for each element.</summary>
    public bool IsGrouped { get; } = Method.GetParameters()[0].ParameterType != typeof(ILGPU.Index1D);

    /// <summary>The types that it is made of.</summary>
    public IReadOnlyList<Type> Arguments { get; } = KernelCatalog.ArgumentsOf(Method);

    /// <summary>Whether it computes on tensor cores.</summary>
    public bool OnTensorCores { get; } = KernelCatalog.IsOnTensorCores(Method);

    /// <summary>How its tiles come to shared memory; null: it has none.</summary>
    public Type? Staging => Arguments.FirstOrDefault(a => a.IsAssignableTo(typeof(IGemmStaging)));
}

/// <summary>Code that makes a kernel's launcher, and how many kernels it loads: more than one where it stands in generic code.</summary>
internal sealed record LoadingCall(string Name, int Kernels);

/// <summary>
/// Every kernel that the library can load on a GPU, in every instantiation. They are read from the library's instructions, not from a
/// list that someone must remember to extend: wherever an <see cref="IndexKernel{T}"/> or a <see cref="GroupKernel{T}"/> is made, its type argument is a
/// kernel; where that stands in generic code, one for each set of type arguments that some code gives.
/// </summary>
internal static class KernelCatalog
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Type[] Launchers = [typeof(IndexKernel<>), typeof(SpanKernel<>), typeof(GroupKernel<>)];

    private static readonly Lazy<(GpuKernel[] Kernels, LoadingCall[] Calls)> Found = new(Search);

    /// <summary>The kernels, by name.</summary>
    public static IReadOnlyList<GpuKernel> All => Found.Value.Kernels;

    /// <summary>Those that are loaded on an architecture.</summary>
    public static IReadOnlyList<GpuKernel> For(CudaArchitecture architecture)
    {
        Type staging = architecture >= CudaArchitecture.SM_80 ? typeof(AsyncStaging) : typeof(RegisterStaging);
        return [.. All.Where(k => k.OnTensorCores ? architecture >= CudaArchitecture.SM_80 : k.Staging is null || k.Staging == staging)];
    }

    /// <summary>Whether a kernel computes on tensor cores.</summary>
    public static bool IsOnTensorCores(MethodInfo kernel) => ArgumentsOf(kernel).Any(a => a.GetProperty(nameof(RegisterTile8x8.OnTensorCores))?.GetValue(null) is true);

    /// <summary>The code that loads them.</summary>
    public static IReadOnlyList<LoadingCall> Calls => Found.Value.Calls;

    /// <summary>
    /// A kernel by its name; but the products' are made of tile, operands and result, which know nothing of each other, in over a hundred combinations: their parts, each of which has to
    /// have run with any others. (All of them are compiled: <see cref="GpuKernelsTests"/>.)
    /// </summary>
    public static IEnumerable<string> Parts(MethodInfo kernel)
    {
        string name = NameOf(kernel), kind = name.Split('<')[0];
        if (kind == nameof(ElementGemm<,,>)) return [kind];
        return IsTiledProduct(kernel) ? ArgumentsOf(kernel).Select((argument, i) => $"{kind}, type argument {i}: {argument}") : [name];
    }

    /// <summary>Those of kernels in which every part of them occurs.</summary>
    public static IEnumerable<GpuKernel> Covering(IEnumerable<GpuKernel> kernels)
    {
        var seen = new HashSet<string>();
        foreach (GpuKernel kernel in kernels)
        {
            int before = seen.Count;
            seen.UnionWith(Parts(kernel.Method));
            if (seen.Count > before) yield return kernel;
        }
    }

    private static (GpuKernel[], LoadingCall[]) Search()
    {
        Assembly library = typeof(Kernels.Device).Assembly;
        var kernels = new Dictionary<MethodInfo, GpuKernel>();
        var calls = new Dictionary<string, HashSet<MethodInfo>>();
        var seen = new HashSet<MemberInfo>();
        // Generic code is read as it is written too, so that what it makes is known even if nobody gives it type arguments.
        var pending = new Stack<MethodBase>(library.GetTypes().Where(t => !Launchers.Contains(t) && !Launchers.Contains(t.DeclaringType)).SelectMany(Methods));
        while (pending.TryPop(out MethodBase? method))
        {
            int number = 0;
            foreach ((OpCode code, MethodBase called) in MethodCode.References(method))
            {
                Type? launcher = code == OpCodes.Newobj ? LauncherOf(called.DeclaringType!) : null;
                if (launcher is not null || IsLoadedElsewhere(called))
                {
                    string call = $"{method.DeclaringType!.Name}.{method.Name}, call {++number}";
                    if (!calls.TryGetValue(call, out HashSet<MethodInfo>? loaded)) calls[call] = loaded = [];
                    if (launcher is null or { ContainsGenericParameters: true }) continue;
                    MethodInfo kernel = launcher.GetMethod(nameof(IndexKernel<>.Body), Declared)!;
                    loaded.Add(kernel);
                    kernels[kernel] = new GpuKernel(NameOf(kernel), kernel);
                }
                else if (called.DeclaringType!.Assembly == library && !IsOpen(called) && LauncherOf(called.DeclaringType) is null)
                {
                    if (called.DeclaringType.IsGenericType && seen.Add(called.DeclaringType))
                        foreach (MethodBase sibling in Methods(called.DeclaringType).Where(m => !m.IsGenericMethod)) pending.Push(sibling);
                    if (called.IsGenericMethod && seen.Add(called)) pending.Push(called);
                }
            }
        }
        return ([.. kernels.Values.OrderBy(k => k.Name, StringComparer.Ordinal)], [.. calls.Select(c => new LoadingCall(c.Key, c.Value.Count)).OrderBy(c => c.Name, StringComparer.Ordinal)]);
    }

    private static IEnumerable<MethodBase> Methods(Type type) => type.GetMethods(Declared).Concat<MethodBase>(type.GetConstructors(Declared));

    private static bool IsOpen(MethodBase method) => method.ContainsGenericParameters || method.DeclaringType!.ContainsGenericParameters;

    // What compiles and launches a kernel, of the types that are made for one; null: another type.
    private static Type? LauncherOf(Type type)
    {
        if (!type.IsGenericType || !Launchers.Contains(type.GetGenericTypeDefinition())) return null;
        return type.BaseType == typeof(object) ? type : type.BaseType;
    }

    // Past the launchers.
    private static bool IsLoadedElsewhere(MethodBase called) =>
        called.DeclaringType!.Namespace == "ILGPU.Runtime" && called.Name.StartsWith("Load", StringComparison.Ordinal) && called.Name.Contains("Kernel", StringComparison.Ordinal);

    /// <summary>The struct that a kernel is.</summary>
    public static Type StructOf(MethodInfo kernel) => kernel.DeclaringType!.GetGenericArguments()[0];

    /// <summary>The types that it is made of.</summary>
    public static Type[] ArgumentsOf(MethodInfo kernel) => StructOf(kernel).GetGenericArguments();

    /// <summary>Whether a kernel is a matrix product by tiles.</summary>
    public static bool IsTiledProduct(MethodInfo kernel) => StructOf(kernel).DeclaringType == typeof(TiledGemm);

    /// <summary>A kernel's name, with its type arguments. A map goes by its function.</summary>
    public static string NameOf(MethodInfo kernel) => NameOf(ArgumentsOf(kernel).FirstOrDefault(a => a.IsAssignableTo(typeof(IMap))) ?? StructOf(kernel));

    private static string NameOf(Type type) => Plain(type) + (type.IsGenericType ? $"<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : "");

    private static string Plain(Type type) => (type.IsNested && (type.Name.Contains('`') || IsKernel(type)) ? $"{type.DeclaringType!.Name.Split('`')[0]}." : "") + type.Name.Split('`')[0];

    private static bool IsKernel(Type type) => type.IsAssignableTo(typeof(IIndexKernel)) || type.IsAssignableTo(typeof(IGroupKernel)) || type.IsAssignableTo(typeof(IMap));
}

using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using GpuConv.Kernels;

namespace GpuConv.Tests;

/// <summary>
/// Every GPU kernel that the library can load, with its generic arguments, read from the library's own code: the methods given to
/// <see cref="KernelLoading"/>, followed into each instance of a generic type or method that the code mentions.
/// </summary>
internal static class LoadedKernels
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue =
        typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    public static IReadOnlySet<MethodInfo> Find()
    {
        Assembly library = typeof(KernelLoading).Assembly;
        HashSet<MethodInfo> kernels = [];
        HashSet<MethodBase> seen = [];
        HashSet<Type> seenTypes = [];
        Stack<MethodBase> open = new();
        void Visit(Type type)
        {
            if (type.Assembly != library || type.ContainsGenericParameters || type == typeof(KernelLoading) || !seenTypes.Add(type)) return;
            foreach (MethodBase method in type.GetMembers(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly).OfType<MethodBase>())
                if (!method.ContainsGenericParameters) open.Push(method);
        }
        foreach (Type type in library.GetTypes()) Visit(type);
        while (open.TryPop(out MethodBase? method))
        {
            if (!seen.Add(method)) continue;
            MethodInfo? kernel = null;
            foreach ((OpCode code, MethodBase mentioned) in Mentions(method))
            {
                if (mentioned.DeclaringType == typeof(KernelLoading)) kernels.Add(kernel ?? throw new InvalidOperationException($"{method.DeclaringType}.{method.Name} loads a kernel that is not named there."));
                // A delegate is made from its method just before it is given away.
                if (code == OpCodes.Ldftn) kernel = mentioned as MethodInfo;
                if (mentioned.DeclaringType is not { } type || type.Assembly != library || type == typeof(KernelLoading)) continue;
                Visit(type);
                if (mentioned.IsGenericMethod && !mentioned.ContainsGenericParameters) open.Push(mentioned);
            }
        }
        return kernels;
    }

    // The methods that a method calls, constructs with or points to.
    private static IEnumerable<(OpCode Code, MethodBase Method)> Mentions(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } il) yield break;
        Type[]? ofType = method.DeclaringType?.GetGenericArguments(), ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int i = 0; i < il.Length;)
        {
            OpCode code = OpCodesByValue[il[i] == 0xfe ? (short)(0xfe00 | il[i + 1]) : il[i]];
            i += code.Size;
            if (code.OperandType == OperandType.InlineMethod && method.Module.ResolveMethod(BinaryPrimitives.ReadInt32LittleEndian(il.AsSpan(i)), ofType, ofMethod) is { } mentioned) yield return (code, mentioned);
            i += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BinaryPrimitives.ReadInt32LittleEndian(il.AsSpan(i)),
                _ => 4,
            };
        }
    }
}

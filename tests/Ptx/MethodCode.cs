using System.Reflection;
using System.Reflection.Emit;

namespace GpuConv.Tests;

/// <summary>The methods that a method's own instructions name, in their order.</summary>
internal static class MethodCode
{
    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(c => c.Value);

    /// <summary>What is called, constructed or pointed to. In generic code the type arguments of <paramref name="method"/> stand in for the parameters.</summary>
    public static IEnumerable<(OpCode Code, MethodBase Method)> References(MethodBase method)
    {
        byte[] bytes = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        Type[]? ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < bytes.Length;)
        {
            // ECMA-335, III.1.2: 0xFE starts a code of two bytes.
            short value = bytes[at++];
            if (value == 0xFE) value = (short)(0xFE00 | bytes[at++]);
            OpCode code = Codes[value];
            if (code.OperandType == OperandType.InlineMethod)
                yield return (code, method.Module.ResolveMethod(BitConverter.ToInt32(bytes, at), ofType, ofMethod)!);
            at += code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + 4 * BitConverter.ToInt32(bytes, at),
                _ => 4,
            };
        }
    }
}

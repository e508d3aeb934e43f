using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;

namespace ControlNet.ML.Torch.Tests;

/// <summary>Reads which methods a compiled method calls.</summary>
internal static class CompiledCode
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>All methods and constructors of an assembly, those that the compiler made too.</summary>
    public static IEnumerable<MethodBase> Methods(Assembly assembly) =>
        assembly.GetTypes().SelectMany(type => type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)));

    /// <summary>What a method calls.</summary>
    public static IEnumerable<MethodBase> Calls(MethodBase method) => CallsAndUse(method).Select(call => call.Called);

    /// <summary>What a method calls without using the result.</summary>
    public static IEnumerable<MethodBase> DroppedCalls(MethodBase method) => CallsAndUse(method).Where(call => call.IsDropped).Select(call => call.Called);

    private static IEnumerable<(MethodBase Called, bool IsDropped)> CallsAndUse(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
            yield break;
        Type[] typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : [];
        Type[] methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (var at = 0; at < code.Length;)
        {
            var opcode = code[at] == 0xFE ? Codes[(short)(0xFE00 | code[at + 1])] : Codes[code[at]];
            at += opcode.Size;
            if (opcode.OperandType == OperandType.InlineMethod
                && method.Module.ResolveMethod(BinaryPrimitives.ReadInt32LittleEndian(code.AsSpan(at)), typeArguments, methodArguments) is { } called)
                yield return (called, at + 4 < code.Length && code[at + 4] == OpCodes.Pop.Value);
            at += OperandSize(opcode.OperandType, code.AsSpan(at));
        }
    }

    /// <summary>A method as it is written, without type arguments.</summary>
    public static MethodBase Definition(MethodBase method)
    {
        if (method.DeclaringType is { IsGenericType: true, IsGenericTypeDefinition: false } type)
            method = type.GetGenericTypeDefinition().Module.ResolveMethod(method.MetadataToken)!;
        return method is MethodInfo { IsGenericMethod: true, IsGenericMethodDefinition: false } generic ? generic.GetGenericMethodDefinition() : method;
    }

    private static int OperandSize(OperandType type, ReadOnlySpan<byte> operand) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BinaryPrimitives.ReadInt32LittleEndian(operand)),
        _ => 4,
    };
}

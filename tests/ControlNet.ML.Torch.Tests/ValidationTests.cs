using System.Reflection;

namespace ControlNet.ML.Torch.Tests;

/// <summary><c>Validate</c> returns what is wrong. Whoever calls it without looking at the answer accepts anything, so nobody does.</summary>
public sealed class ValidationTests
{
    [Fact]
    public void No_answer_of_Validate_is_dropped()
    {
        Assembly[] libraries = [typeof(DiffusionModel).Assembly, typeof(TorchBackend).Assembly];
        var found = libraries.SelectMany(CompiledCode.Methods)
            .SelectMany(method => CompiledCode.DroppedCalls(method).Where(IsValidation).Select(called => $"{method.DeclaringType}.{method.Name}: {called.DeclaringType!.Name}"));
        Assert.Equal("", string.Join(Environment.NewLine, found.Distinct().Order()));
    }

    [Fact]
    public void A_dropped_answer_is_found()
    {
        var method = typeof(ValidationTests).GetMethod(nameof(Drops), BindingFlags.NonPublic | BindingFlags.Static)!;
        Assert.Contains(CompiledCode.DroppedCalls(method), IsValidation);
    }

    private static void Drops() => _ = new GenerateOptions().Validate();

    private static bool IsValidation(MethodBase method) => method is MethodInfo { Name: "Validate", ReturnType: var type } && type == typeof(string);
}

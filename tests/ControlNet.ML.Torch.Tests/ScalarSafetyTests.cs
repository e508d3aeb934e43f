using System.Reflection;
using TorchSharp;

namespace ControlNet.ML.Torch.Tests;

/// <summary>
/// TorchSharp lets go of a scalar while libtorch still reads it, so that a collection at the wrong moment ends a run (see <see cref="Scalars"/>).
/// That is too rare to be met in a test; the compiled code says whether it can happen.
/// </summary>
public sealed class ScalarSafetyTests
{
    private static readonly Assembly Library = typeof(TorchBackend).Assembly;
    private static readonly Assembly TorchSharp = typeof(Scalar).Assembly;

    [Fact]
    public void No_scalar_is_made_on_the_way_into_libtorch()
    {
        var makers = ScalarMakers();
        Assert.Contains(typeof(torch.Tensor).GetMethod("add", [typeof(torch.Tensor)])!, makers);
        List<string> found = [];
        foreach (var caller in CompiledCode.Methods(Library))
        {
            // There the scalars are made and held; calls that make more of them on the way are no better there than elsewhere.
            var holds = caller.DeclaringType == typeof(Scalars);
            foreach (var called in CompiledCode.Calls(caller).Where(called => called.Module.Assembly == TorchSharp && !(holds && called.DeclaringType == typeof(Scalar))))
            {
                if (makers.Contains(CompiledCode.Definition(called)) || (!holds && called.GetParameters().Any(parameter => parameter.ParameterType == typeof(Scalar))))
                    found.Add($"{caller.DeclaringType}.{caller.Name}: {called.DeclaringType!.Name}.{called}");
            }
        }

        Assert.Equal("", string.Join(Environment.NewLine, found.Distinct().Order()));
    }

    /// <summary>The methods of TorchSharp that make scalars themselves, or call one that does.</summary>
    private static HashSet<MethodBase> ScalarMakers()
    {
        var callers = new Dictionary<MethodBase, List<MethodBase>>();
        foreach (var method in CompiledCode.Methods(TorchSharp))
        {
            foreach (var called in CompiledCode.Calls(method).Where(called => called.Module.Assembly == TorchSharp).Select(CompiledCode.Definition))
            {
                if (!callers.TryGetValue(called, out var list))
                    callers[called] = list = [];
                list.Add(method);
            }
        }

        var queue = new Queue<MethodBase>(callers.Keys.Where(method =>
            (method.DeclaringType == typeof(Scalar) && method.Name == "op_Implicit") || (method.DeclaringType == typeof(ScalarExtensionMethods) && method.Name == "ToScalar")));
        var makers = queue.ToHashSet();
        while (queue.TryDequeue(out var maker))
        {
            foreach (var caller in callers.GetValueOrDefault(maker) ?? [])
            {
                if (makers.Add(caller))
                    queue.Enqueue(caller);
            }
        }

        return makers;
    }
}

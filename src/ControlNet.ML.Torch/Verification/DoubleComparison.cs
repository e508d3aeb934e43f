using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Verification;

/// <summary>
/// Runs an operation in its own data type and in double precision, for which libtorch uses its own plain loops, forward and backward,
/// on memory that contains NaN wherever nothing was written.
/// </summary>
/// <param name="Type">The data type of the operation.</param>
/// <param name="Shapes">Shapes of its inputs.</param>
/// <param name="Operation">The operation, on inputs of the type.</param>
/// <param name="Reference">The same operation on inputs and parameters in double precision.</param>
internal sealed record DoubleComparison(
    ScalarType Type, long[][] Shapes, Func<Tensor[], Tensor> Operation, Func<Tensor[], Parameter[], Tensor> Reference)
{
    /// <summary>The parameters of the module, which get random values; empty for an operation without parameters.</summary>
    public IReadOnlyList<Parameter> Parameters { get; init; } = [];

    /// <summary>Whether image inputs are in channels-last memory format.</summary>
    public bool ChannelsLast { get; init; }

    /// <summary>Whether the gradient of an image is in channels-last memory format.</summary>
    public bool GradientChannelsLast { get; init; }

    /// <summary>Seed of the random values.</summary>
    public int Seed { get; init; }

    /// <summary>The largest error that rounding explains, as a share of the largest value.</summary>
    public double Bound => BoundOf(Type);

    /// <summary>The largest error that rounding explains in results of a data type, as a share of the largest value.</summary>
    public static double BoundOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => 1e-5,
        ScalarType.Float16 => 4e-3,
        ScalarType.BFloat16 => 3e-2,
        _ => throw new InvalidOperationException($"No bound is known for {type}."),
    };

    /// <summary>
    /// Errors of the result (forward) and of the gradients of inputs and parameters (backward), each relative to the largest value, or, if
    /// all are smaller, to the average size of such a value (1; for parameters the square root of the number of summed pixels); NaN if a
    /// value is not finite.
    /// </summary>
    public IReadOnlyList<(string What, double Error)> Run()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)Seed, CPU);
        Tensor[] inputs = [.. Shapes.Select(shape => randn(shape, generator: generator).to(Type))];
        using (no_grad())
        {
            foreach (var parameter in Parameters)
                parameter.copy_(randn(parameter.shape, generator: generator).Times(1 / FanIn(parameter)));
        }

        foreach (var parameter in Parameters)
            parameter.requires_grad_(true);
        Tensor[] exact = [.. inputs.Select(input => input.to(ScalarType.Float64).detach().requires_grad_(true))];
        Parameter[] exactParameters = [.. Parameters.Select(parameter => new Parameter(parameter.detach().to(ScalarType.Float64)))];
        inputs = [.. inputs.Select(input => Lay(input, ChannelsLast).detach().requires_grad_(true))];

        UnwrittenMemory.FillWithNaN();
        var result = Operation(inputs);
        var expected = Reference(exact, exactParameters);
        List<(string, double)> errors = [("result", Error(result, expected, 1))];

        var gradient = randn(expected.shape, generator: generator).to(Type);
        var exactGradient = gradient.to(ScalarType.Float64);
        UnwrittenMemory.FillWithNaN();
        autograd.backward([result], [Lay(gradient, GradientChannelsLast)]);
        autograd.backward([expected], [exactGradient]);
        errors.AddRange(inputs.Select((input, i) => ($"gradient of input {i + 1}", Error(input.grad!, exact[i].grad!, 1))));

        // Partial sums are rounded relative to their own size. If a parameter's terms happen to cancel, and it has no larger neighbours,
        // the error cannot be measured relative to the result.
        errors.AddRange(Parameters.Select((parameter, i) => (
            $"gradient of parameter {i + 1}",
            Error(parameter.grad!, exactParameters[i].grad!, Math.Sqrt(Math.Max(1.0, expected.numel() / (double)parameter.shape[0]))))));
        return errors;
    }

    /// <summary>The same values; an image in channels-last memory format.</summary>
    private static Tensor Lay(Tensor x, bool channelsLast) =>
        channelsLast && x.dim() == 4 ? x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : x;

    /// <summary>
    /// Square root of the number of values summed for one output: weights divided by it keep results near 1, within float16.
    /// </summary>
    private static double FanIn(Tensor parameter) => Math.Sqrt(Math.Max(1.0, parameter.numel() / (double)parameter.shape[0]));

    private static double Error(Tensor actual, Tensor expected, double typical)
    {
        if (!actual.shape.AsSpan().SequenceEqual(expected.shape))
            return double.NaN;
        using var scope = NewDisposeScope();
        var largest = Math.Max(typical, Value(expected.detach().abs().max()));
        var error = (actual.detach().to(ScalarType.Float64) - expected.detach()).abs();

        // A NaN among the errors makes their sum NaN; a maximum could skip it.
        return double.IsFinite(Value(error.sum())) ? Value(error.max()) / largest : double.NaN;
    }

    private static double Value(Tensor scalar) => scalar.item<double>();
}

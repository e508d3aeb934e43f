namespace ControlNet.ML.Weights;

/// <summary>A place in a network's module tree, under both of its names.</summary>
internal readonly record struct Place(string Name, string Original)
{
    public static Place Root(string originalPrefix) => new("", originalPrefix.TrimEnd('.'));

    /// <summary>A submodule; an empty name means that this naming has no such level.</summary>
    public Place At(string name, string original) => new(Join(Name, name), Join(Original, original));

    /// <summary>A submodule with the same name in both.</summary>
    public Place At(string both) => At(both, both);

    private static string Join(string parent, string child) =>
        parent.Length == 0 ? child : child.Length == 0 ? parent : $"{parent}.{child}";
}

/// <summary>Collects the tensors of a network, module by module.</summary>
internal sealed class LayoutBuilder
{
    private readonly List<TensorLayout> _tensors = [];

    public IReadOnlyList<TensorLayout> Tensors => _tensors;

    public void Convolution(Place at, long outputs, long inputs, long kernel) => WeightAndBias(at, outputs, inputs, kernel, kernel);

    public void Linear(Place at, long outputs, long inputs) => WeightAndBias(at, outputs, inputs);

    public void LinearWithoutBias(Place at, long outputs, long inputs) => Add(at.At("weight"), outputs, inputs);

    /// <summary>A linear layer that is a 1x1 convolution in the original.</summary>
    public void LinearFromConvolution(Place at, long outputs, long inputs)
    {
        var weight = at.At("weight");
        _tensors.Add(new TensorLayout(weight.Name, [outputs, inputs], weight.Original, [outputs, inputs, 1, 1]));
        Add(at.At("bias"), outputs);
    }

    /// <summary>A group or layer normalisation.</summary>
    public void Normalisation(Place at, long channels) => WeightAndBias(at, channels);

    /// <summary>An embedding: one row per index.</summary>
    public void Embedding(Place at, long rows, long width) => Add(at.At("weight"), rows, width);

    private void WeightAndBias(Place at, params long[] shape)
    {
        Add(at.At("weight"), shape);
        Add(at.At("bias"), shape[0]);
    }

    private void Add(Place at, params long[] shape) => _tensors.Add(new TensorLayout(at.Name, shape, at.Original, shape));
}

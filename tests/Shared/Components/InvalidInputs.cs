using ControlNet.ML.Components;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.TestSupport;

/// <summary>Invalid input: each column that a component reads is removed, or replaced by one of another type or size.</summary>
/// <param name="ml">The context.</param>
/// <param name="data">Valid data.</param>
internal sealed class InvalidInputs(MLContext ml, IDataView data)
{
    /// <summary>
    /// Asserts that an invalid column is refused with the same message everywhere: by the estimator, from the schema and from the data, and
    /// by its models, fitted and loaded.
    /// </summary>
    /// <param name="estimator">The estimator.</param>
    /// <param name="models">Its models.</param>
    /// <param name="column">The column that it adds.</param>
    /// <param name="fitColumns">Columns that only the estimator reads.</param>
    public void Run(IEstimator<ITransformer> estimator, IReadOnlyList<ITransformer> models, string column, IReadOnlyList<string> fitColumns)
    {
        var mapper = models[0].GetRowToRowMapper(data.Schema);
        var read = mapper.GetDependencies([mapper.OutputSchema[column]]).Select(each => each.Name).ToArray();
        Assert.NotEmpty(read);
        foreach (var name in read.Union(fitColumns))
        {
            var readers = read.Contains(name) ? models : [];
            var type = data.Schema[name].Type;
            Refused($"Could not find input column '{name}'", Without(name), readers);
            var otherType = type is NumberDataViewType
                ? With(name, ml.Transforms.Conversion.ConvertType(name, "Spare", DataKind.String))
                : With(name, ml.Transforms.CopyColumns(name, "Spare"));
            Refused(Mismatch(name, type), otherType, readers);
            Refused(Mismatch(name, type), With(name, Vector(name)), readers, showsInShapes: type is not VectorDataViewType);
            Refused(Mismatch(name, type), With(name, OpenVector(name)), readers);
        }

        // Chains are ML.NET's own code and may behave differently.
        if (models[0] is not ModelTransformer model)
            return;
        Action[] withNull =
        [
            () => estimator.Fit(null!),
            () => estimator.GetOutputSchema(null!),
            () => model.Transform(null!),
            () => model.GetOutputSchema(null!),
        ];
        Assert.All(withNull, action => Assert.Throws<ArgumentNullException>(action));

        void Refused(string message, IDataView view, IReadOnlyList<ITransformer> readers, bool showsInShapes = true)
        {
            List<Action> all = [() => estimator.Fit(view)];
            if (showsInShapes)
                all.Add(() => estimator.GetOutputSchema(Schemas.ShapeOf(view.Schema)));
            foreach (var reader in readers)
            {
                all.AddRange(
                [
                    () => reader.GetOutputSchema(view.Schema),
                    () => reader.Transform(view),
                    () => reader.GetRowToRowMapper(view.Schema),
                ]);
            }

            var messages = all.Select(Refusal).Distinct().ToList();
            Assert.StartsWith(message, Assert.Single(messages), StringComparison.Ordinal);
        }
    }

    /// <summary>
    /// The message without the size of the vector that was found: schema shapes have no sizes, and ML.NET writes their vectors differently.
    /// </summary>
    private static string Refusal(Action action) => Assert.Throws<ArgumentOutOfRangeException>(action).Message
        .Replace("got Vector<Single, 1>", "got Vector<Single>", StringComparison.Ordinal)
        .Replace("got VarVector", "got Vector", StringComparison.Ordinal)
        .Replace("Image or VarVector<Byte>", "Image", StringComparison.Ordinal);

    private static string Mismatch(string name, DataViewType type) => $"Schema mismatch for input column '{name}': expected " + type switch
    {
        ImageDataViewType or VectorDataViewType { ItemType: NumberDataViewType { RawType.Name: nameof(Byte) } } => "Image, got ",
        TextDataViewType => "String, got ",
        NumberDataViewType => "a number, got ",
        _ => "Vector<Single, ",
    };

    private EstimatorChain<ColumnConcatenatingTransformer> Vector(string name) =>
        new EstimatorChain<ITransformer>()
            .Append(ml.Transforms.Conversion.ConvertType("Number", "Spare", DataKind.Single))
            .Append(ml.Transforms.Concatenate(name, "Number"));

    private CustomMappingEstimator<Numbered, Open> OpenVector(string name)
    {
        var definition = SchemaDefinition.Create(typeof(Open));
        definition[nameof(Open.Values)].ColumnName = name;
        return ml.Transforms.CustomMapping<Numbered, Open>((_, open) => open.Values = [1], null, outputSchemaDefinition: definition);
    }

    /// <summary>The data without a column, and with a copy of the ids to build a replacement from.</summary>
    private IDataView Without(string name)
    {
        var chain = new EstimatorChain<ITransformer>()
            .Append(ml.Transforms.CopyColumns("Spare", "Id"))
            .Append(ml.Transforms.DropColumns(name));
        return chain.Fit(data).Transform(data);
    }

    private IDataView With(string name, IEstimator<ITransformer> replacement)
    {
        var view = Without(name);
        return replacement.Fit(view).Transform(view);
    }

    private sealed class Numbered
    {
        public int Id { get; set; }
    }

    private sealed class Open
    {
        public float[] Values { get; set; } = [];
    }
}

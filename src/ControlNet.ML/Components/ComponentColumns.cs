using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>A column that a component reads.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Expected">Its type as ML.NET writes it, for messages.</param>
/// <param name="Accepts">Whether a type is accepted. In a schema shape, the length of a vector is unknown.</param>
/// <param name="MayVary">Whether rows may have vectors of different lengths.</param>
internal sealed record InputColumn(string Name, string Expected, Func<DataViewType, bool> Accepts, bool MayVary = false)
{
    /// <summary>An image of any size. ML.NET's equality of image types includes the size, so only the type's class is checked.</summary>
    public static InputColumn Image(string name) => new(name, "Image", type => type is ImageDataViewType);

    /// <summary>An image of any size, or the bytes of an image file, as ML.NET's LoadRawImageBytes gives them.</summary>
    public static InputColumn ImageOrFile(string name) => new(
        name,
        "Image or VarVector<Byte>",
        type => type is ImageDataViewType || (type as VectorDataViewType)?.ItemType == NumberDataViewType.Byte,
        MayVary: true);

    /// <summary>A text.</summary>
    public static InputColumn Text(string name) => new(name, TextDataViewType.Instance.ToString()!, type => type is TextDataViewType);

    /// <summary>A number of any type.</summary>
    public static InputColumn Number(string name) => new(name, "a number", type => type is NumberDataViewType);

    /// <summary>A vector of numbers whose dimensions are accepted or not yet known.</summary>
    public static InputColumn Vector(string name, string expected, Func<IReadOnlyList<int>, bool> accepts) => new(
        name,
        expected,
        type => type is VectorDataViewType { ItemType: NumberDataViewType { RawType: var item } } vector
            && item == typeof(float)
            && (vector.Size == 0 || accepts(vector.Dimensions)));

    /// <summary>A vector of numbers of the given dimensions, or a flat vector with as many numbers.</summary>
    public static InputColumn Vector(string name, VectorDataViewType type) => Vector(
        name, type.ToString()!, found => found.SequenceEqual(type.Dimensions) || (found.Count == 1 && found[0] == type.Size));
}

/// <summary>A component's columns in a schema: its inputs, and the columns that it adds.</summary>
/// <param name="Inputs">The columns to read.</param>
/// <param name="EarlierError">The column with the errors of earlier components, or null.</param>
/// <param name="Outputs">The columns to add; the error column, if any, is the last.</param>
internal sealed record Binding(
    DataViewSchema.Column[] Inputs, DataViewSchema.Column? EarlierError, DataViewSchema.DetachedColumn[] Outputs);

/// <summary>The columns that a component reads and adds. Checks schemas and schema shapes, with ML.NET's wording of the errors.</summary>
/// <param name="inputs">The columns to read.</param>
/// <param name="outputName">The column to add.</param>
/// <param name="outputType">
/// The output's type, computed from the schema shapes of the inputs. It depends on nothing else of a schema, so the type announced before
/// there are data is the type of the data.
/// </param>
/// <param name="errorColumn">The text column with the errors of failed rows; null for none.</param>
/// <param name="annotations">The added column's annotations; null for none.</param>
/// <param name="textName">A text column to add after the first one; null for none.</param>
internal sealed class ComponentColumns(
    IReadOnlyList<InputColumn> inputs,
    string outputName,
    Func<IReadOnlyList<SchemaShape.Column>, DataViewType> outputType,
    string? errorColumn,
    DataViewSchema.Annotations? annotations = null,
    string? textName = null)
{
    private readonly string? _errorColumn = errorColumn != outputName
        ? errorColumn
        : throw new ArgumentException($"'{outputName}' cannot be both the output column and the error column.", nameof(errorColumn));

    private readonly string? _textName = textName is null || (textName != outputName && textName != errorColumn)
        ? textName
        : throw new ArgumentException($"'{textName}' names two of the columns to add.", nameof(textName));

    /// <summary>The name of the column with the component's result.</summary>
    public string OutputName => outputName;

    /// <summary>Whether the last of the added columns is the error column.</summary>
    public bool HasErrors => _errorColumn is not null;

    /// <summary>The same columns, with more columns to read after the others.</summary>
    /// <param name="more">The columns.</param>
    public ComponentColumns Reading(params IReadOnlyList<InputColumn> more) =>
        new([.. inputs, .. more], outputName, outputType, _errorColumn, annotations, _textName);

    /// <summary>Finds the columns in a schema.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public Binding Bind(DataViewSchema schema)
    {
        var columns = inputs.Select(input => schema.GetColumnOrNull(input.Name) ?? throw Missing(input.Name)).ToArray();
        foreach (var (input, column) in inputs.Zip(columns))
        {
            Check(input, column.Type, column.Type.ToString()!);

            // A schema shape may leave lengths unknown; a schema must state them.
            if (!input.MayVary && column.Type is VectorDataViewType { IsKnownSize: false } vector)
                throw Mismatch("input", input.Name, input.Expected, vector.ToString()!);
        }

        var earlier = _errorColumn is null ? null : schema.GetColumnOrNull(_errorColumn);
        if (earlier is { } error)
            CheckError(error.Type, error.Type.ToString()!);
        var shape = MlNetAccess.Shape(schema).ToDictionary(column => column.Name);
        return new Binding(columns, earlier, Added([.. inputs.Select(input => shape[input.Name])]));
    }

    /// <summary>The schema shape with the component's columns added.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape Extend(SchemaShape shape)
    {
        var byName = shape.ToDictionary(column => column.Name);
        List<SchemaShape.Column> columns = [];
        foreach (var input in inputs)
        {
            var column = byName.TryGetValue(input.Name, out var found) ? found : throw Missing(input.Name);
            columns.Add(column);
            Check(input, TypeOf(column), TypeName(column));
            if (!input.MayVary && column.Kind == SchemaShape.Column.VectorKind.VariableVector)
                throw Mismatch("input", input.Name, input.Expected, TypeName(column));
        }

        if (_errorColumn is not null && byName.TryGetValue(_errorColumn, out var error))
            CheckError(TypeOf(error), TypeName(error));
        var added = new DataViewSchema.Builder();
        added.AddColumns(Added(columns));
        return MlNetAccess.Extend(shape, added.ToSchema());
    }

    private DataViewSchema.DetachedColumn[] Added(IReadOnlyList<SchemaShape.Column> read)
    {
        var output = new DataViewSchema.DetachedColumn(outputName, outputType(read), annotations);
        return [output, .. new[] { _textName, _errorColumn }.OfType<string>()
            .Select(name => new DataViewSchema.DetachedColumn(name, TextDataViewType.Instance))];
    }

    private static void Check(InputColumn input, DataViewType type, string name)
    {
        if (!input.Accepts(type))
            throw Mismatch("input", input.Name, input.Expected, name);
    }

    private void CheckError(DataViewType type, string name)
    {
        if (type is not TextDataViewType)
            throw Mismatch("error", _errorColumn!, TextDataViewType.Instance.ToString()!, name);
    }

    private static DataViewType TypeOf(SchemaShape.Column column)
    {
        DataViewType item = column.IsKey ? new KeyDataViewType(column.ItemType.RawType, 1) : column.ItemType;
        return column.Kind == SchemaShape.Column.VectorKind.Scalar ? item : new VectorDataViewType((PrimitiveDataViewType)item);
    }

    private static string TypeName(SchemaShape.Column column)
    {
        var item = column.IsKey ? $"Key<{column.ItemType}>" : column.ItemType.ToString()!;
        return column.Kind switch
        {
            SchemaShape.Column.VectorKind.Vector => $"Vector<{item}>",
            SchemaShape.Column.VectorKind.VariableVector => $"VarVector<{item}>",
            _ => item,
        };
    }

    // ML.NET's name of the parameter.
    private static string Parameter => "inputSchema";

    private static ArgumentOutOfRangeException Missing(string name) => new(Parameter, $"Could not find input column '{name}'");

    private static ArgumentOutOfRangeException Mismatch(string role, string name, string expected, string found) =>
        new(Parameter, $"Schema mismatch for {role} column '{name}': expected {expected}, got {found}");
}

using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Components;

/// <summary>A transformer bound to a schema: column dependencies, and single rows for prediction engines.</summary>
internal sealed class RowMapper : IRowToRowMapper
{
    private readonly Binding _binding;

    /// <summary>Binds a transformer to a schema.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public RowMapper(ModelTransformer owner, DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        (Owner, InputSchema) = (owner, inputSchema);
        _binding = owner.Columns.Bind(inputSchema);
        var schema = new DataViewSchema.Builder();
        schema.AddColumns(inputSchema);
        schema.AddColumns(_binding.Outputs);
        OutputSchema = schema.ToSchema();
        foreach (var column in OutputSchema)
        {
            if (column.Type is ImageDataViewType image)
                MLImages.MakeReadable(image);
        }
    }

    public ModelTransformer Owner { get; }

    public DataViewSchema InputSchema { get; }

    public DataViewSchema OutputSchema { get; }

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns) =>
        new ActiveColumns(this, dependingColumns).Sources;

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (input.Schema != InputSchema)
            throw new ArgumentException("The row's schema differs from the bound one.", nameof(input));
        return new MappedRow(this, input, new ActiveColumns(this, activeColumns));
    }

    /// <summary>An empty batch that reads from a row or a cursor.</summary>
    /// <param name="source">The row.</param>
    /// <param name="capacity">The maximum number of rows.</param>
    /// <param name="shared">Buffers that already exist for columns of the source; null for the other columns.</param>
    /// <param name="reading">Receives the new buffers, which must be filled for each row.</param>
    public RowBatch CreateBatch(DataViewRow source, int capacity, ColumnBuffer?[] shared, List<ColumnBuffer> reading)
    {
        var inputs = _binding.Inputs.Select(Reading).ToArray();
        var errors = _binding.EarlierError is { } column ? (ColumnBuffer<ReadOnlyMemory<char>>)Reading(column) : null;
        var outputs = _binding.Outputs.Select(output => ColumnBuffer.Create(output.Type, capacity)).ToArray();
        return new RowBatch(_binding.Inputs, inputs, errors, outputs, capacity);

        ColumnBuffer Reading(DataViewSchema.Column column)
        {
            if (shared[column.Index] is { } buffer)
                return buffer;
            buffer = ColumnBuffer.Create(column.Type, capacity);
            buffer.Attach(source, column);
            reading.Add(buffer);
            return shared[column.Index] = buffer;
        }
    }

    /// <summary>Which of a mapper's output columns are active, and which columns of the source they need.</summary>
    internal sealed class ActiveColumns
    {
        private readonly bool[] _active;
        private readonly int _passed;

        public ActiveColumns(RowMapper mapper, IEnumerable<DataViewSchema.Column> columns)
        {
            _active = new bool[mapper.OutputSchema.Count];
            _passed = mapper.InputSchema.Count;
            foreach (var column in columns)
            {
                if (column.Index >= _active.Length || mapper.OutputSchema[column.Index].Name != column.Name)
                    throw new ArgumentException($"The column '{column.Name}' belongs to another schema.", nameof(columns));
                _active[column.Index] = true;
            }

            AnyOutput = _active.AsSpan(_passed).Contains(true);
            var needed = _active[.._passed];
            if (AnyOutput)
            {
                foreach (var input in mapper._binding.Inputs)
                    needed[input.Index] = true;
                if (mapper._binding.EarlierError is { } error)
                    needed[error.Index] = true;
            }

            Sources = [.. mapper.InputSchema.Where(column => needed[column.Index])];
        }

        /// <summary>Whether any of the component's own columns is active.</summary>
        public bool AnyOutput { get; }

        /// <summary>The columns that the source must provide.</summary>
        public IReadOnlyList<DataViewSchema.Column> Sources { get; }

        public bool this[DataViewSchema.Column column] => _active[column.Index];

        /// <summary>Throws unless a column is active.</summary>
        public void Check(DataViewSchema.Column column)
        {
            if (column.Index >= _active.Length || !_active[column.Index])
                throw new InvalidOperationException($"Column '{column.Name}' is not active.");
        }

        /// <summary>Whether a column passes through from the source.</summary>
        public bool IsPassed(DataViewSchema.Column column) => column.Index < _passed;
    }
}

using Microsoft.Data.Sqlite;

namespace ControlNet.ML.Cli.Study.Store;

/// <summary>Statements of one transaction. Values are passed apart from the text, as $1, $2 and so on.</summary>
internal sealed class StudySession(SqliteConnection connection, SqliteTransaction transaction)
{
    /// <summary>Runs a statement.</summary>
    /// <returns>The number of rows that it changed.</returns>
    public int Run(string sql, params IReadOnlyList<object?> values)
    {
        using var command = Command(sql, values);
        return command.ExecuteNonQuery();
    }

    /// <summary>The rows of a query.</summary>
    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params IReadOnlyList<object?> values)
    {
        using var command = Command(sql, values);
        using var reader = command.ExecuteReader();
        List<T> rows = [];
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    }

    private SqliteCommand Command(string sql, IReadOnlyList<object?> values)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        foreach (var (i, value) in values.Index())
            command.Parameters.AddWithValue($"${i + 1}", value ?? DBNull.Value);
        return command;
    }
}

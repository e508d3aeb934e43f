using Microsoft.Data.Sqlite;

namespace ControlNet.ML.Cli.Study.Store;

/// <summary>
/// One connection to a study's SQLite file, used by one thread at a time: it answers in microseconds, and nobody waits for SQLite's locks,
/// which are polled. Another process may read the file meanwhile, since it is in WAL mode.
/// </summary>
internal sealed class StudyDatabase : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();
    private readonly string _path;
    private readonly FileIdentity? _identity;

    private StudyDatabase(string path, SqliteConnection connection) =>
        (_path, _connection, _identity) = (path, connection, FileStatus.Of(path)?.Identity);

    /// <summary>Creates the file, with its tables.</summary>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static StudyDatabase Create(string path)
    {
        var database = Open(path, SqliteOpenMode.ReadWriteCreate);
        database.Write(session => session.Run(StudyAssets.Text("schema.sql")));
        return database;
    }

    /// <summary>Opens a file that exists.</summary>
    /// <exception cref="ControlNetException">It is missing, or no SQLite file.</exception>
    public static StudyDatabase Open(string path)
    {
        RegularFile.Open(path, path, bufferSize: 1).Dispose();
        return Open(path, SqliteOpenMode.ReadWrite);
    }

    /// <summary>Reads in one transaction.</summary>
    /// <exception cref="ControlNetException">The file cannot be read.</exception>
    public T Read<T>(Func<StudySession, T> read) => Run(read, isWriting: false);

    /// <summary>Writes in one transaction: all or nothing.</summary>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    public T Write<T>(Func<StudySession, T> write) => Run(write, isWriting: true);

    /// <summary>Writes in one transaction: all or nothing.</summary>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    public void Write(Action<StudySession> write) => Run(
        session =>
        {
            write(session);
            return true;
        },
        isWriting: true);

    public void Dispose() => _connection.Dispose();

    private static StudyDatabase Open(string path, SqliteOpenMode mode)
    {
        var settings = new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false, ForeignKeys = true };
        var connection = new SqliteConnection(settings.ToString());
        try
        {
            connection.Open();

            // A crash of this process loses nothing, a power failure the last moments at most, and neither damages the file.
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;";
            command.ExecuteNonQuery();
            return new StudyDatabase(path, connection);
        }
        catch (SqliteException e)
        {
            connection.Dispose();
            throw Failure(path, e);
        }
    }

    private T Run<T>(Func<StudySession, T> run, bool isWriting)
    {
        lock (_lock)
        {
            // SQLite goes on writing into a file that was deleted or replaced, where nobody would find the answers.
            if (FileStatus.Of(_path)?.Identity != _identity)
                throw new ControlNetException($"{_path}: was deleted or replaced while it was open: nothing can be saved. Start again.");
            try
            {
                using var transaction = _connection.BeginTransaction(deferred: !isWriting);
                var result = run(new StudySession(_connection, transaction));
                transaction.Commit();
                return result;
            }
            catch (SqliteException e)
            {
                throw Failure(_path, e);
            }
        }
    }

    private static ControlNetException Failure(string path, SqliteException e) => new(
        e.SqliteErrorCode == NotADatabase
            ? $"{path}: is no SQLite file, expected one that 'controlnet study create' made."
            : $"{path}: {e.Message}",
        e);

    private const int NotADatabase = 26; // SQLITE_NOTADB
}

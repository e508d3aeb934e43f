namespace ControlNet.ML.Internal;

/// <summary>
/// Opens files that must be regular files: not a folder, not a pipe or socket, where reading would wait for a writer, and not a device,
/// which may never end. Every file that a user, a table or a model names is opened here.
/// </summary>
internal static class RegularFile
{
    /// <summary>Opens a file for reading. It may be renamed and deleted while it is open.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="bufferSize">The size of the stream's buffer; 1 for none.</param>
    /// <exception cref="ControlNetException">It does not exist, is not a regular file, or cannot be read.</exception>
    public static FileStream Open(string path, string name, int bufferSize = 4096) =>
        Open(path, name, FileShare.Read | FileShare.Delete, bufferSize);

    /// <summary>Opens a file that another process may be writing.</summary>
    /// <inheritdoc cref="Open(string, string, int)"/>
    public static FileStream OpenShared(string path, string name, int bufferSize = 4096) =>
        Open(path, name, FileShare.ReadWrite | FileShare.Delete, bufferSize);

    private static FileStream Open(string path, string name, FileShare share, int bufferSize)
    {
        try
        {
            Require(path, name);
            var stream = new FileStream(path, FileMode.Open, FileAccess.Read, share, bufferSize);
            if (stream.CanSeek)
                return stream;
            stream.Dispose();
            throw Special(name);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ControlNetException($"{name}: cannot be read: there is no such file.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ControlNetException($"{name}: cannot be read: {error.Message}", error);
        }
        catch (ArgumentException error)
        {
            throw new ControlNetException($"{name}: cannot be read: this is not a valid file name.", error);
        }
    }

    /// <summary>Throws if a path exists and is not a regular file.</summary>
    /// <param name="path">The file, which may be missing.</param>
    /// <param name="name">Its name in messages.</param>
    /// <exception cref="ControlNetException">It is a folder, a pipe, a socket or a device.</exception>
    public static void Require(string path, string name)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
            throw new ControlNetException($"{name}: cannot be read: this is not a valid file name.");
        if (Directory.Exists(path))
            throw new ControlNetException($"{name}: cannot be read: it is a folder, expected a file.");
        if (FileStatus.Of(path) is { Kind: not FileKind.Regular })
            throw Special(name);
    }

    /// <summary>Reads all bytes of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="most">The maximum number of bytes, checked before anything is allocated.</param>
    /// <param name="what">What was expected, for the message: <c>JSON</c>.</param>
    /// <exception cref="ControlNetException">It does not exist, is not a regular file, is too large, or cannot be read.</exception>
    public static byte[] ReadAll(string path, string name, int most, string what)
    {
        using var stream = Open(path, name, bufferSize: 1);
        try
        {
            if (stream.Length > most)
                throw new ControlNetException($"{name}: the file has {stream.Length:N0} bytes, expected {what} of at most {most:N0}.");
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{name}: cannot be read: {error.Message}", error);
        }
    }

    /// <summary>Reads the lines of a text file, without line endings.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="longest">The maximum number of characters per line, so that a file without line endings is never held in full.</param>
    /// <param name="encoding">Its encoding; null for UTF-8.</param>
    /// <exception cref="ControlNetException">
    /// It does not exist, is not a regular file, cannot be read, has invalid bytes, or has a line that is too long.
    /// </exception>
    public static IEnumerable<string> Lines(string path, string name, int longest, System.Text.Encoding? encoding = null)
    {
        using var reader = new EncodedText(Open(path, name, bufferSize: 1), encoding);
        var line = new System.Text.StringBuilder();
        var block = new char[1 << 14];
        var number = 1L;
        for (int count; (count = Next(block)) > 0;)
        {
            var rest = block.AsMemory(0, count);
            for (int end; (end = rest.Span.IndexOf('\n')) >= 0; rest = rest[(end + 1)..])
            {
                Append(rest.Span[..end]);
                yield return Whole();
                number++;
            }

            Append(rest.Span);
        }

        if (line.Length > 0)
            yield return Whole();

        int Next(char[] into)
        {
            try
            {
                return reader.Read(into);
            }
            catch (System.Text.DecoderFallbackException error)
            {
                throw new ControlNetException($"{name} line {number}: {reader.Problem(error)}", error);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new ControlNetException($"{name}: cannot be read: {error.Message}", error);
            }
        }

        void Append(ReadOnlySpan<char> part)
        {
            if (line.Length + part.Length > longest)
                throw new ControlNetException($"{name} line {number}: has more than {longest:N0} characters, expected at most that many.");
            line.Append(part);
        }

        string Whole()
        {
            var text = line.Length > 0 && line[^1] == '\r' ? line.ToString(0, line.Length - 1) : line.ToString();
            line.Clear();
            return text;
        }
    }

    private static ControlNetException Special(string name) =>
        new($"{name}: cannot be read: it is a pipe, a socket or a device, expected a regular file.");
}

using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Loads a native library that was changed in memory. What is loaded is what is given: it lies in memory under no name that anyone else could
/// find; or, where the system has no such files or runs none, in a new folder that nobody else can write to, only until it is loaded.
/// </summary>
internal static class AdaptedLibrary
{
    // They stay open with the libraries: the loader knows libraries by their paths, and would take another file under the same number for them.
    private static readonly ConcurrentBag<MemoryFile> Loaded = [];

    /// <summary>Loads a library, which stays loaded.</summary>
    /// <param name="name">Its file name.</param>
    /// <param name="content">What it holds.</param>
    /// <returns>Its handle.</returns>
    /// <exception cref="ControlNetException">It cannot be loaded, or put anywhere.</exception>
    public static nint Load(string name, ReadOnlySpan<byte> content)
    {
        var inMemory = LoadFromMemory(name, content);
        return inMemory != 0 ? inMemory : LoadFromFolder(name, content);
    }

    /// <summary>By a file in memory; 0 where that does not work.</summary>
    internal static nint LoadFromMemory(string name, ReadOnlySpan<byte> content)
    {
        var file = MemoryFile.TryCreate(name, content, isCode: true);
        if (file is null)
            return 0;

        if (NativeLibrary.TryLoad(file.Path, out var handle))
        {
            Loaded.Add(file);
            return handle;
        }

        file.Dispose();
        return 0;
    }

    /// <summary>By a file in a folder of its own.</summary>
    internal static nint LoadFromFolder(string name, ReadOnlySpan<byte> content)
    {
        using var folder = ScratchFolder.Create();
        var path = folder.File(name);
        try
        {
            using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write))
                file.Write(content);
            return NativeLibrary.Load(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or DllNotFoundException)
        {
            throw new ControlNetException($"An adapted copy of {name}, which this system needs, cannot be loaded: {error.Message}", error);
        }
    }
}

using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace ControlNet.ML.Torch.Native;

/// <summary>
/// Loads a native library that was changed in memory. No other user can change what is loaded: it is an unnamed memory file, or, where
/// the system does not support or execute these, a file in a new private folder that is deleted once it is loaded.
/// </summary>
internal static class AdaptedLibrary
{
    // The files stay open with the libraries: the loader identifies libraries by path, and another file could get the same descriptor
    // number.
    private static readonly ConcurrentBag<MemoryFile> Loaded = [];

    /// <summary>Loads a library, which stays loaded.</summary>
    /// <param name="name">Its file name.</param>
    /// <param name="content">Its content.</param>
    /// <returns>Its handle.</returns>
    /// <exception cref="ControlNetException">The library cannot be written or loaded.</exception>
    public static nint Load(string name, ReadOnlySpan<byte> content)
    {
        var inMemory = LoadFromMemory(name, content);
        return inMemory != 0 ? inMemory : LoadFromFolder(name, content);
    }

    /// <summary>Loads from a memory file; 0 if that fails.</summary>
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

    /// <summary>Loads from a file in a private folder.</summary>
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

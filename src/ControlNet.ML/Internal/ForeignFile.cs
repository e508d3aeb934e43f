namespace ControlNet.ML.Internal;

/// <summary>
/// Recognises, by its first bytes, a file of an unexpected kind: the usual results of a failed download, and PyTorch's pickles.
/// </summary>
internal static class ForeignFile
{
    /// <summary>What the file is and what to do about it, or null if it is not recognised.</summary>
    /// <param name="start">The first bytes of the file; 64 are enough.</param>
    public static string? Recognise(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("version https://git-lfs"u8))
            return "is a Git LFS pointer, not the file itself: fetch the file with 'git lfs pull', or download it again";
        if (start.TrimStart(" \t\r\n\uFEFF"u8).StartsWith((byte)'<'))
            return "is a web page, not the file itself: download it again (from the hub, with 'resolve' in place of 'blob' in the address)";
        if (start.StartsWith("PK\u0003\u0004"u8))
            return $"is a zip archive, as torch.save writes: {HowToConvert}";
        if (start.Length > 1 && start[0] == 0x80 && start[1] is >= 1 and <= 5)
            return $"is a Python pickle, as torch.save writes: {HowToConvert}";
        return null;
    }

    /// <summary>How to convert a pickle to safetensors: with PyTorch, once, where its code may run.</summary>
    public const string HowToConvert =
        "safetensors is expected. Convert it once in Python: import torch; from safetensors.torch import save_file; " +
        "d = torch.load('in', weights_only=True); d = d.get('state_dict', d); " +
        "save_file({k: v.contiguous() for k, v in d.items() if hasattr(v, 'shape')}, 'out.safetensors')";
}

using ControlNet.ML.Configuration;

namespace ControlNet.ML.Cli.Commands;

/// <summary>What <c>models</c> says of a control network, be it weights or graphs.</summary>
internal static class ControlReport
{
    /// <summary>Shows a control network.</summary>
    /// <param name="terminal">Where to write.</param>
    /// <param name="name">Its name.</param>
    /// <param name="path">Its folder or file.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="place">What follows its kind in the text, such as where it is built in.</param>
    /// <param name="own">The entries of JSON that it has beside those of all networks.</param>
    /// <param name="lines">The lines of text that it has beside those of all networks.</param>
    /// <param name="digest">The SHA-256 of its file, if it is known.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void Show(
        Terminal terminal, string name, string path, ControlNetConfig config, string place,
        IEnumerable<KeyValuePair<string, object>> own, IEnumerable<string> lines, string? digest, bool json)
    {
        if (json)
        {
            KeyValuePair<string, object?>[] entries =
            [
                new("name", name),
                new("path", path),
                new("kind", config.DiffusersClass),
                new("text_width", config.AttendsToText ? config.CrossAttentionDim : null),
                new("channels", config.BlockOutChannels),
                new("residuals", config.DownResiduals + 1),
                .. own.Select(entry => new KeyValuePair<string, object?>(entry.Key, entry.Value)),
                new("sha256", digest),
                new("auto_v2", FileReport.AutoV2(digest)),
                new("warnings", config.Warnings),
            ];
            Json.Print(terminal, new Dictionary<string, object?>(entries));
            return;
        }

        var text = config.AttendsToText ? $"text width {config.CrossAttentionDim}" : "no cross-attention to the text";
        terminal.Result(
            $"{name}: {(config.Lite ? "ControlNet-lite" : "control network")}{place}, {text}, "
                + $"channels {string.Join(", ", config.BlockOutChannels)}, {config.DownResiduals + 1} residuals");
        foreach (var line in lines)
            terminal.Result(line);
        FileReport.ShowDigest(terminal, digest);
        foreach (var warning in config.Warnings)
            terminal.Warn(warning);
    }
}

using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Opens sessions: the only place where ONNX Runtime loads a graph.</summary>
internal static class SessionFactory
{
    /// <summary>Opens a file.</summary>
    /// <param name="path">An ONNX file; external weights lie where it says, below its folder.</param>
    /// <param name="options">Where and how it runs.</param>
    /// <param name="configure">Further settings; may be called more than once, each time with new options.</param>
    /// <returns>The session; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">
    /// The file or its external weights are missing, cut off or damaged, no provider can be used, or the native ONNX Runtime is missing.
    /// </exception>
    public static InferenceSession Open(string path, OnnxSessionOptions options, Action<SessionOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        using (var file = MappedFile.Open(path))
            ExternalWeights.Check(file.Bytes, Path.GetDirectoryName(Path.GetFullPath(path))!, path);
        return Open(path, options, configure, session => new InferenceSession(path, session));
    }

    /// <summary>Opens a graph in memory.</summary>
    /// <param name="graph">An ONNX file's bytes.</param>
    /// <param name="source">Its name, for errors.</param>
    /// <param name="options">Where and how it runs.</param>
    /// <param name="folder">The folder of its external weights; null if it has none.</param>
    /// <param name="configure">Further settings; may be called more than once, each time with new options.</param>
    /// <returns>The session; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">
    /// The graph or its external weights are damaged, no provider can be used, or the native ONNX Runtime is missing.
    /// </exception>
    public static InferenceSession Open(
        byte[] graph, string source, OnnxSessionOptions options, string? folder = null, Action<SessionOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ExternalWeights.Check(graph, folder ?? "", source);
        return Open(source, options, Configure, session => new InferenceSession(graph, session));

        void Configure(SessionOptions session)
        {
            if (folder is not null)
                session.AddSessionConfigEntry("session.model_external_initializers_file_folder_path", folder);
            configure?.Invoke(session);
        }
    }

    /// <summary>Checks that a provider can be added, before work that would be in vain without one.</summary>
    /// <param name="source">What is to be run, for errors.</param>
    /// <param name="options">Where and how it would run.</param>
    /// <exception cref="ControlNetException">No provider can be used, or the native ONNX Runtime is missing.</exception>
    public static void RequireProvider(string source, OnnxSessionOptions options) => Prepared(options, () =>
    {
        using var session = SessionSettings.Create(source, options);
        List<(ExecutionProvider Provider, string Reason)> missing = [];
        if (AddProviders(session, options.Providers, options, missing).Count == 0)
            throw NoProvider(source, missing, inner: null);
        return true;
    });

    private static InferenceSession Open(
        string source, OnnxSessionOptions options, Action<SessionOptions>? configure, Func<SessionOptions, InferenceSession> open) =>
        Prepared(options, () => FirstThatOpens(source, options, configure, open));

    private static T Prepared<T>(OnnxSessionOptions options, Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Providers.Count == 0)
            throw new ArgumentException("No execution provider is named, expected at least one.", nameof(options));
        SignalStack.MakeRoom();
        try
        {
            RuntimeLog.Prepare();
            return work();
        }
        catch (Exception e) when (RuntimeErrors.IsMissingLibrary(e))
        {
            throw RuntimeErrors.Missing(e);
        }
    }

    /// <summary>
    /// Opens the session with all providers that can be added; if that fails, without the first of them, and so on: that a device is
    /// missing or has too little memory shows only when the graph is loaded.
    /// </summary>
    private static InferenceSession FirstThatOpens(
        string source, OnnxSessionOptions options, Action<SessionOptions>? configure, Func<SessionOptions, InferenceSession> open)
    {
        List<(ExecutionProvider Provider, string Reason)> missing = [];
        IReadOnlyList<ExecutionProvider> remaining = options.Providers;
        Exception? last = null;
        while (true)
        {
            using var session = SessionSettings.Create(source, options);
            remaining = AddProviders(session, remaining, options, missing);
            if (remaining.Count == 0)
                throw NoProvider(source, missing, last);
            configure?.Invoke(session);
            try
            {
                return open(session);
            }
            catch (Exception e) when (IsOfRuntime(e))
            {
                if (remaining is [ExecutionProvider.Cpu] || e is OnnxRuntimeException runtime && RuntimeErrors.IsOfFile(runtime))
                    throw new ControlNetException($"{source} cannot be run: {RuntimeErrors.Text(e)}", e);
                missing.Add((remaining[0], RuntimeErrors.Text(e)));
                remaining = [.. remaining.Skip(1)];
                last = e;
            }
        }
    }

    /// <summary>Adds the providers that can be added, and returns them; the others are missing.</summary>
    private static List<ExecutionProvider> AddProviders(
        SessionOptions session, IReadOnlyList<ExecutionProvider> providers, OnnxSessionOptions options,
        List<(ExecutionProvider Provider, string Reason)> missing)
    {
        List<ExecutionProvider> added = [];
        foreach (var provider in providers)
        {
            if (ProviderSetup.TryAdd(session, provider, options) is { } reason)
                missing.Add((provider, reason));
            else
                added.Add(provider);
        }

        return added;
    }

    /// <summary>On damaged graphs, ONNX Runtime throws exceptions of several types.</summary>
    private static bool IsOfRuntime(Exception error) =>
        error is not (ControlNetException or OutOfMemoryException or OperationCanceledException) && !RuntimeErrors.IsMissingLibrary(error);

    private static ControlNetException NoProvider(
        string source, IReadOnlyList<(ExecutionProvider Provider, string Reason)> missing, Exception? inner)
    {
        var names = Message.Choices([.. missing.Select(entry => ExecutionProviders.NameOf(entry.Provider))]);
        var reasons = missing.Select(entry => $"{ExecutionProviders.NameOf(entry.Provider)}: {entry.Reason.TrimEnd('.')}");
        var message = $"{source} cannot be run on {names}: {string.Join("; ", reasons)}.";
        return inner is null ? new ControlNetException(message) : new ControlNetException(message, inner);
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace ControlNet.ML.TestSupport;

/// <summary>Tests ask the hub nothing: names such as <c>no/where</c> are answered from the cache, unless a test names a hub of its own.</summary>
internal static class NoHub
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The tests' own assembly, before any test.")]
    internal static void Set() => Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
}

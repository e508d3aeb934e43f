using Xunit.MicrosoftTestingPlatform;

namespace ControlNet.ML.TestSupport;

/// <summary>Entry point of a test program built for mutation testing; tests/Directory.Build.targets defines when it is compiled.</summary>
internal static class MutationEntryPoint
{
    public static Task<int> Main(string[] args) => TestPlatformTestFramework.RunAsync(args, (_, _) => { });
}

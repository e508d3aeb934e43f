using Xunit.MicrosoftTestingPlatform;

namespace ControlNet.ML.TestSupport;

/// <summary>Where a test program starts that was built for mutation testing; tests/Directory.Build.targets says when it is compiled.</summary>
internal static class MutationEntryPoint
{
    public static Task<int> Main(string[] args) => TestPlatformTestFramework.RunAsync(args, (_, _) => { });
}

namespace ControlNet.ML.TestSupport;

/// <summary>
/// Where the reference values are: the folder that CONTROLNET_FIXTURES names, otherwise tests/fixtures of this checkout.
/// The folder may lack a kind of fixture: tests of that kind are skipped, with a message.
/// </summary>
public static class Fixtures
{
    private const string Nothing = "(none)";

    /// <summary>The root of the checkout: the folder that holds ControlNet.ML.sln.</summary>
    public static string Checkout { get; } = FindCheckout();

    public static string Root { get; } =
        Environment.GetEnvironmentVariable("CONTROLNET_FIXTURES") is { Length: > 0 } folder
            ? Resolve(folder)
            : System.IO.Path.Combine(Checkout, "tests", "fixtures");

    public static string Path(params ReadOnlySpan<string> parts) => System.IO.Path.Combine([Root, .. parts]);

    public static bool Has(params ReadOnlySpan<string> parts) => System.IO.Path.Exists(Path(parts));

    /// <summary>Rows for a theory; without cases, one row that <see cref="SkipIfNothing"/> turns into a skip.</summary>
    public static TheoryData<string> Cases(IEnumerable<string> cases)
    {
        var rows = new TheoryData<string>();
        foreach (var name in cases)
            rows.Add(name);
        if (rows.Count == 0)
            rows.Add(Nothing);
        return rows;
    }

    /// <summary>Skips the test, with a reason, if discovery found no case of this kind.</summary>
    public static void SkipIfNothing(string name, string kind) =>
        Assert.SkipWhen(name == Nothing, $"No {kind} in {Root}.");

    /// <summary>Resolves a relative folder from the directory of the command, which differs from the test host's.</summary>
    private static string Resolve(string folder) =>
        new[] { Environment.GetEnvironmentVariable("PWD"), Checkout, Environment.CurrentDirectory }
            .Where(start => !string.IsNullOrEmpty(start))
            .Select(start => System.IO.Path.GetFullPath(folder, start!))
            .FirstOrDefault(Directory.Exists) ?? System.IO.Path.GetFullPath(folder);

    private static string FindCheckout()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "ControlNet.ML.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"No ControlNet.ML.sln above {AppContext.BaseDirectory}.");
    }
}

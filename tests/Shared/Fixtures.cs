namespace ControlNet.ML.TestSupport;

/// <summary>
/// Where the reference numbers lie: the folder that CONTROLNET_FIXTURES names, else tests/fixtures of this checkout.
/// A folder that lacks a kind of fixture is fine: the tests of that kind say so and are skipped.
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

    /// <summary>Rows for a theory; where there are none, one row that <see cref="SkipIfNothing"/> turns into a skip.</summary>
    public static TheoryData<string> Cases(IEnumerable<string> cases)
    {
        var rows = new TheoryData<string>();
        foreach (var name in cases)
            rows.Add(name);
        if (rows.Count == 0)
            rows.Add(Nothing);
        return rows;
    }

    /// <summary>Skips the test, and says why, if discovery found no case of this kind.</summary>
    public static void SkipIfNothing(string name, string kind) =>
        Assert.SkipWhen(name == Nothing, $"No {kind} in {Root}.");

    /// <summary>A relative folder is meant from where the command was given, which is not where test hosts run.</summary>
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

using System.Diagnostics;
using ControlNet.ML.Tests.Components;

namespace ControlNet.ML.Tests.Internal;

/// <summary>Another process: with another environment, or one that is killed.</summary>
internal static class StorageProcess
{
    public const string Command = "storage";
    public const string Take = "take", Hold = "hold";

    /// <summary>Starts one.</summary>
    /// <param name="verb">What it does.</param>
    /// <param name="place">With what.</param>
    /// <param name="environment">Variables that are others; null takes one away.</param>
    public static Process Start(string verb, string place, params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(LoadProcess).Assembly.Location, Command, verb, place])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var (name, value) in environment)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    /// <summary>Does it: prints the folder that is taken; held ones until there is nothing more to read.</summary>
    public static int Do(string verb, string place)
    {
        if (verb == Take)
        {
            List<string> failures = [];
            Console.WriteLine(UserCache.Use(UserCache.Folders(place), folder => folder, failures) ?? string.Join('\n', failures));
            return 0;
        }

        using var held = ScratchFolder.Create(place);
        File.WriteAllText(held.File("content"), "half");
        Console.WriteLine(held.Path);
        Console.In.ReadToEnd();
        return 0;
    }
}

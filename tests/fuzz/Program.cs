using System.CommandLine;
using System.Globalization;

namespace ControlNet.ML.Fuzz;

/// <summary>
/// Changes valid inputs of every reader at random and watches what the readers do: read them, or refuse them by the exception that is
/// documented, within bounds of time and memory.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        var seconds = new Option<double>("--seconds") { Description = "How long.", DefaultValueFactory = _ => 60 };
        var seed = new Option<int?>("--seed") { Description = "Of all that is random; another one each time if not said." };
        var readers = new Option<string[]>("--reader") { Description = "Only the readers of which the name begins so. Repeatable.", DefaultValueFactory = _ => [] };
        var output = new Option<string>("--out") { Description = "Where inputs that fail are written.", DefaultValueFactory = _ => Path.Combine("artifacts", "fuzz") };
        var repeat = new Option<string?>("--repeat") { Description = "A file that was written there: only that input is read, by the reader in its name." };
        var list = new Option<bool>("--list") { Description = "List the readers." };
        var root = new RootCommand("Fuzzes every reader of ControlNet.ML. Exit code 1 if an input failed.") { seconds, seed, readers, output, repeat, list };
        root.SetAction(result =>
        {
            // A name that is none of a file may be one of the hub, which is not asked.
            Environment.SetEnvironmentVariable("HF_HUB_OFFLINE", "1");
            using var folder = new Workplace();
            var all = Readers.All(folder);
            if (result.GetValue(list))
            {
                foreach (var reader in all)
                    Console.WriteLine($"{reader.Name,-24} {reader.Seeds.Count} inputs to begin with");
                return 0;
            }

            // The path before anything changes the current folder.
            var found = Path.GetFullPath(result.GetValue(output)!);
            if (result.GetValue(repeat) is { } file)
                return Fuzzer.Repeat(all, Path.GetFullPath(file));
            var wanted = result.GetValue(readers)!;
            Reader[] chosen = [.. all.Where(reader => wanted.Length == 0 || wanted.Any(name => reader.Name.StartsWith(name, StringComparison.Ordinal)))];
            if (chosen.Length == 0)
            {
                Console.Error.WriteLine("There is no such reader; --list shows which there are.");
                return 2;
            }

            var start = result.GetValue(seed) ?? Random.Shared.Next();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {start}, {result.GetValue(seconds)} s, {chosen.Length} readers"));
            return new Fuzzer(chosen, start, found).Run(TimeSpan.FromSeconds(result.GetValue(seconds)));
        });
        return root.Parse(args).Invoke();
    }
}

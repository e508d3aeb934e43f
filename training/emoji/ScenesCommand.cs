using System.CommandLine;

namespace ControlNet.ML.EmojiTraining;

/// <summary><c>scenes</c>: writes a data set.</summary>
internal static class ScenesCommand
{
    public static Command Create()
    {
        var zip = new Argument<string>("zip") { Description = "emoji-128.zip." };
        var condition = new Option<string>("--condition") { Description = "Condition to make.", Required = true };
        condition.AcceptOnlyFromAmong([.. SceneConditions.Names]);
        var output = new Option<string>("--output") { Description = "Folder of the data set, a new one.", Required = true };
        var count = new Option<int>("--count") { Description = "Number of scenes.", DefaultValueFactory = _ => 8000 };
        var seed = new Option<ulong>("--seed") { Description = "Seed of everything random." };
        var heldOut = new Option<bool>("--held-out") { Description = "Write the held-out images for evaluation of the base model's style and subgroups, instead of random scenes." };
        var plain = new Option<bool>("--plain") { Description = "Write each image of the base model's style and subgroups in the training split once, instead of random scenes." };
        var repeats = new Option<int>("--repeats") { Description = "With --held-out or --plain, how often each image is written; random conditions differ.", DefaultValueFactory = _ => 1 };
        var command = new Command("scenes", "Write scenes with conditions and captions.") { zip, condition, output, count, seed, heldOut, plain, repeats };
        command.SetAction((result, cancellationToken) => Task.Run(
            () =>
            {
                foreach (var number in new[] { count, repeats })
                {
                    if (result.GetValue(number) < 1)
                        throw new ControlNetException($"{number.Name} is {result.GetValue(number)}, expected 1 or more.");
                }

                if (result.GetValue(heldOut) && result.GetValue(plain))
                    throw new ControlNetException("--held-out and --plain are two splits: expected one of them.");
                using var art = EmojiArt.Open(result.GetValue(zip)!, result.GetValue(heldOut) ? "eval" : "train");
                var progress = Console.IsErrorRedirected ? null : new Counter(result.GetValue(count));
                if (result.GetValue(heldOut) || result.GetValue(plain))
                    SceneSet.WritePlain(art, result.GetValue(condition)!, result.GetValue(repeats), result.GetValue(output)!, null, cancellationToken);
                else
                    SceneSet.Write(art, result.GetValue(condition)!, result.GetValue(count), result.GetValue(seed), result.GetValue(output)!, progress, cancellationToken);
                Console.WriteLine(result.GetValue(output));
                return 0;
            },
            cancellationToken));
        return command;
    }

    private sealed class Counter(int total) : IProgress<int>
    {
        public void Report(int value)
        {
            if (value % 100 == 0 || value == total)
                Console.Error.Write($"\r{value:N0} of {total:N0}{(value == total ? "\n" : "")}");
        }
    }
}

using System.Text;
using ControlNet.ML.Cli;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>The tool as a whole, with its arguments and a table's cells: one line says what is wrong, whatever it is.</summary>
internal static class ToolTargets
{
    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        var photo = folder.Write("tool/p.png", ImageCodec.EncodePng(new ImageBuffer(16, 12, 3)));
        byte[][] tables =
        [
            .. new[]
            {
                "prompt,photo,seed,scale,start,end,mode,width,height,steps,guidance\na,p.png,1,0.5,0,1,uniform,32,32,2,3\nb,p.png,2,1,0.1,0.9,guess,,,,\n",
                "prompt,image,strength,mask,seed\na,p.png,0.5,p.png,1\nb,,,,2\n",
                "prompt,condition,condition_2,scale_2,negative_prompt\na,p.png,p.png,0.5,c\n",
            }.Select(Encoding.UTF8.GetBytes),
        ];
        yield return new Reader("score-table", tables, input =>
        {
            folder.Write("tool/t.csv", input);
            Run(folder.At("tool"), ["score", "t.csv", "--output", "out", "--dry-run", "--model", "emoji"]);
        })
        { Words = ["prompt", "photo", "seed", "scale", "strength", "mode", "1e30", "NaN", "-1", "guess-original", "p.png", "/dev/zero", "\0", ","] };

        byte[][] arguments = [.. new[] { $"annotate\n{photo}\n--as\ncanny,blur\n--low\n5\n--size\n24x16\n--fit\nfill\n--json", $"annotate\n{photo}\n--as\nthreshold\n--set\nThreshold=64", $"draw\ndepth\n{photo}\n--size\n8", "models\nemoji/canny", "annotate\n--list" }.Select(Encoding.UTF8.GetBytes)];
        yield return new Reader("arguments", arguments, input =>
        {
            // No command that makes images or trains: these take long with arguments that are right.
            string[] given = [.. Encoding.UTF8.GetString(input).Split('\n')];
            if (given[0] is "annotate" or "draw" or "models")
                Run(folder.Fresh("arguments"), given);
        })
        { Words = ["\n", "--as\n", "--set\n", "--size\n", "--output\n", "--json", "--help", "=", ",", "canny", "scribble", "99999999999"] };
    }

    private static void Run(string folder, string[] arguments)
    {
        var before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = folder;
        using var output = new StringWriter();
        using var error = new StringWriter();
        try
        {
            var code = App.RunAsync(arguments, new Terminal(output, error, null)).GetAwaiter().GetResult();
            var said = error.ToString();
            if (said.Contains("--verbose shows where", StringComparison.Ordinal))
                throw new InvalidOperationException($"The tool ends with an exception that nobody wrote for users: {said}");
            if ((output.ToString() + said).Any(character => char.IsControl(character) && character != '\n'))
                throw new InvalidOperationException($"The tool writes control characters: {said}");
            if (code is App.Failed or App.Misused && !said.Split('\n').Any(line => line.StartsWith("error: ", StringComparison.Ordinal)))
                throw new InvalidOperationException($"The tool ends with {code} and says: {said}");
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }
}

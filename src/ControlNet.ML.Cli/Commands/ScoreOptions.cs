using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The argument and options of the commands that generate an image for each row of a table.</summary>
internal sealed class ScoreOptions
{
    private readonly Argument<string> _table;
    private readonly RenamedOption<string> _output = OutputName.RunFolder();
    private readonly ImageOptions _image;
    private readonly Option<string> _prompt = new("--prompt")
    {
        Description = "Prompt of rows without one.",
        DefaultValueFactory = _ => "",
    };

    private readonly Option<string?> _encoding = TextOptions.Encoding();
    private readonly RenamedOption<BatchChoice> _batch = new("--batch-size", "--batch")
    {
        Description = "Batch size: the maximum number of rows of one image size to generate at once, 1 to 256; 'auto' measures which one "
            + "takes the least time per image when the run begins.",
        HelpName = "number|auto",
        DefaultValueFactory = _ => new(1),
        CustomParser = BatchOf,
    };

    private readonly Option<string> _format = new("--format")
    {
        Description = "Format of the results.",
        DefaultValueFactory = _ => ResultWriter.Formats[0],
    };

    private readonly Option<string?> _shard = new("--shard")
    {
        Description = "INDEX/COUNT: only the rows whose number modulo COUNT is INDEX, from 0. By default a Slurm array job sets it.",
    };

    private readonly Option<int?> _shards = new("--shards")
    {
        Description = "Number of shards; SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX (Kubernetes) gives the index.",
    };

    private readonly Option<bool> _strict = new("--strict")
    {
        Description = "Stop at the first row with an error, naming row and column.",
    };

    private readonly Option<bool> _retry = new("--retry-failed") { Description = "Retry the rows that failed in an earlier call." };
    private readonly Option<bool> _verify = new("--verify")
    {
        Description = "Compare the images of earlier calls with their SHA-256 and regenerate those that changed; "
            + "without it, only images that are missing or whose length changed.",
    };

    /// <summary>Adds the argument and the options to a command, in the order in which its help lists them.</summary>
    /// <param name="command">The command.</param>
    /// <param name="table">Description of the table.</param>
    /// <param name="output">Description of the folder.</param>
    /// <param name="own">The command's own options, listed after the folder.</param>
    public ScoreOptions(Command command, string table, string output, params ReadOnlySpan<Option> own)
    {
        _table = new("table") { Description = table };
        _output.Description = output;
        _format.AcceptOnlyFromAmong([.. ResultWriter.Formats]);
        command.Add(_table);
        command.Add(_output);
        foreach (var option in own)
            command.Add(option);
        command.Add(_prompt);
        _image = new ImageOptions(command, "Seed of row 0; row N uses SEED + N. A column 'seed' overrides it.", _batch);
        foreach (var option in (Option[])[_encoding, _format, _shard, _shards, _strict, _retry, _verify])
            command.Add(option);
    }

    /// <summary>The settings of the run; a drawn seed is reported.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public ScoreSettings Settings(ParseResult result, Terminal terminal)
    {
        var shard = Shard.Find(result.GetValue(_shard), result.GetValue(_shards), Environment.GetEnvironmentVariable);
        var folder = result.GetValue(_output)!;
        var seed = ScoringRecord.Seed(folder, _image.Seed(result), shard);
        seed.Report(terminal);
        return new ScoreSettings
        {
            Table = result.GetValue(_table)!,
            Encoding = TextOptions.EncodingOf(result.GetValue(_encoding)),
            Out = folder,
            Shard = shard,
            Prompt = result.GetValue(_prompt)!,
            Model = _image.Model(result),
            Controls = _image.Controls(result),
            Preprocess = _image.Preprocess(result),
            Canny = _image.Canny(result),
            Settings = _image.Settings(result),
            Fit = _image.Fit(result),
            Size = _image.Size(result),
            Weighting = _image.Weighting(result),
            Load = _image.Load(result),
            Embeddings = _image.Embeddings(result),
            Options = _image.Generate(result) with { Seed = seed.Value },
            Batch = result.GetValue(_batch)!.Size,
            Format = result.GetValue(_format)!,
            Strict = result.GetValue(_strict),
            RetryFailed = result.GetValue(_retry),
            Verify = result.GetValue(_verify),
        };
    }

    private static BatchChoice? BatchOf(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text.Equals("auto", StringComparison.OrdinalIgnoreCase))
            return new(null);
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var size))
            return new(size);
        result.AddError($"--batch-size is {Message.Name(text)}, expected 1 to {BatchSize.Largest}, or auto.");
        return null;
    }
    /// <summary>A size, or null for the one that is measured.</summary>
    private sealed record BatchChoice(int? Size)
    {
        /// <summary>The size as it is typed and, as the default, listed in the help.</summary>
        public override string ToString() => Size?.ToString(CultureInfo.InvariantCulture) ?? "auto";
    }
}

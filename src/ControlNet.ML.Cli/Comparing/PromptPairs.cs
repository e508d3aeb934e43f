using System.Globalization;
using ControlNet.ML.Cli.Commands;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Comparing;

/// <summary>
/// Compares the images that two models generate from the prompts of a table, with the same seeds. The models are loaded one after the
/// other, so that memory holds one; the images of the first wait in a temporary folder.
/// </summary>
internal sealed class PromptPairs
{
    private const string PromptColumn = "prompt", NegativeColumn = "negative_prompt", SeedColumn = "seed";

    public required string First { get; init; }

    public required string Second { get; init; }

    /// <summary>The table: a column <c>prompt</c>, and optionally <c>negative_prompt</c> and <c>seed</c>.</summary>
    public required string Table { get; init; }

    public required SizeRequest? Size { get; init; }

    public required LoadOptions Load { get; init; }

    public required GenerateOptions Options { get; init; }

    /// <summary>Checks the device, and tells whether one of the models runs on libtorch.</summary>
    /// <exception cref="ControlNetException">A model cannot be read.</exception>
    /// <exception cref="UsageException">The runtime of a model has no such device.</exception>
    public bool UsesTorch(CancellationToken cancellationToken)
    {
        var folders = new[] { First, Second }.Select(name => Open(name, cancellationToken)).ToList();
        folders.ForEach(folder => DeviceChoice.Check(Load, folder));
        return folders.Exists(folder => BackendChoice.UsesTorch(Load, folder));
    }

    /// <summary>Generates and compares.</summary>
    /// <param name="show">Live progress: title, amount done and total.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <exception cref="ControlNetException">The table or a model cannot be read.</exception>
    public List<ComparedImage> Compare(Action<string, double, double> show, CancellationToken cancellationToken)
    {
        var prompts = Prompts(cancellationToken);
        using var scratch = ScratchFolder.Create();
        var rows = new ComparedImage[prompts.Count];
        var size = ImageSize.For(Open(First, cancellationToken), Size);
        Generate(First, prompts, size, show, (i, image) => ImageCodec.SavePng(File(i), image), Fail, cancellationToken);
        Generate(
            Second, prompts, size, show,
            (i, image) => rows[i] ??= ComparedImage.Of(Name(i), prompts[i].Prompt, ImageCodec.Load(File(i)), image), Fail,
            cancellationToken);
        return [.. rows];

        string File(int index) => scratch.File($"{index}.png");
        static string Name(int index) => index.ToString(CultureInfo.InvariantCulture);
        void Fail(int index, string error) => rows[index] ??= ComparedImage.Failed(Name(index), prompts[index].Prompt, error);
    }

    private ModelFolder Open(string name, CancellationToken cancellationToken) =>
        ModelFolder.Open(ModelNames.FindModel(name, Load, cancellationToken), Load);

    private void Generate(
        string name, List<GenerateRequest> prompts, ImageSize size, Action<string, double, double> show,
        Action<int, ImageBuffer> use, Action<int, string> fail, CancellationToken cancellationToken)
    {
        var loading = Load with { Preload = true, Progress = new DirectProgress<double>(done => show($"loading {name}", done, 1)) };
        using var model = DiffusionModel.Load(name, loading, cancellationToken);
        for (var i = 0; i < prompts.Count; i++)
        {
            var request = prompts[i];
            var index = i;
            try
            {
                use(i, model.Generate(
                    request.Prompt,
                    request.Options with
                    {
                        Width = size.Width,
                        Height = size.Height,
                        Progress = new DirectProgress<GenerationProgress>(
                            progress => show(name, index + ((double)progress.Done / progress.Total), prompts.Count)),
                    },
                    cancellationToken).Image);
            }
            catch (ControlNetException e)
            {
                fail(i, $"{name}: {e.Message}");
            }

            show(name, i + 1, prompts.Count);
        }
    }

    private List<GenerateRequest> Prompts(CancellationToken cancellationToken)
    {
        var table = TableReader.Open(Table, null, cancellationToken);
        int[] columns = [.. new[] { PromptColumn, NegativeColumn, SeedColumn }.Select(Find)];
        if (columns[0] < 0)
            throw new ControlNetException(
                $"{Table}: has no column '{PromptColumn}', expected it among {Message.List([.. table.Columns.Select(c => c.Name)])}.");
        List<GenerateRequest> prompts = [];
        foreach (var row in table.Read([.. columns.Where(column => column >= 0)]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (row.Problem is { } problem)
                throw new ControlNetException($"{Table} row {row.Number}: {problem}.");
            var seed = Value(row, 2) is { } text
                ? SeedNumber.Parse(text)
                    ?? throw new ControlNetException(
                        $"{Table} row {row.Number}: the seed is {Message.Name(text)}, expected {SeedNumber.Expected}.")
                : Options.Seed;
            prompts.Add(new GenerateRequest(
                Value(row, 0) ?? "", [], Options with { Seed = seed, NegativePrompt = Value(row, 1) ?? Options.NegativePrompt }));
        }

        return prompts.Count > 0 ? prompts : throw new ControlNetException($"{Table} has no rows, expected prompts.");

        int Find(string name) => table.Columns.ToList().FindIndex(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

        string? Value(TableRow row, int column) =>
            columns[column] >= 0 && row.Values[columns.Take(column).Count(c => c >= 0)] is { } value
                ? Convert.ToString(value, CultureInfo.InvariantCulture)
                : null;
    }
}

using System.Reflection;
using ControlNet.ML.Components;
using ControlNet.ML.Diffusion;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Rows that fail, runs that are stopped, and settings that are refused.</summary>
public sealed class StageFailureTests(ImageRows rows) : IClassFixture<ImageRows>
{
    private readonly MLContext _ml = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    [Fact]
    public void A_row_that_asks_for_what_cannot_be_fails_alone()
    {
        (Action<ImageRow> Change, string Reason)[] cases =
        [
            (row => row.Id = 0, ""),
            (row => row.Edges = null, "There is no image in column 'Edges'."),
            (row => row.Steps = 0, "column 'Steps': it is 0, expected a whole number from 1 to 1,000."),
            (row => row.Width = 65, "column 'Width': Width is 65, expected a multiple of 8: 64 or 72."),
            (row => row.Height = -8, "column 'Height': it is -8, expected a whole number from 1 to 2,147,483,647."),
            (row => row.Guidance = float.NaN, "column 'Guidance': it is NaN, expected a number."),
            (row => row.Scale = double.PositiveInfinity, "column 'Scale': it is ∞, expected a number."),
            (row => row.End = 0.25f, ""),
            (row => row.Start = 1.5f, "column 'End': The window of a control network is 1.5 to 1, expected 0 <= start <= end <= 1."),
            (row => row.Weighting = "guessed", "column 'Weighting': 'guessed' is not a control weighting, expected 'uniform', 'resolution', 'guess' or 'guess-original'."),
        ];
        var all = cases.Select(each =>
        {
            var row = ImageRows.Row(0);
            each.Change(row);
            return row;
        }).ToArray();
        var made = Made(Stages.Generate("Image", "Prompt", rows.Model, rows.OwnControl, ImageRows.Own), all);
        Assert.Equal(cases.Select(each => each.Reason), made.Select(row => row.Error.Replace("Infinity", "∞", StringComparison.Ordinal)));
        Assert.Equal(cases.Select(each => each.Reason.Length > 0), made.Select(row => row.Image is null));
        Cells.Equal([(0, Cells.Of(rows.Expected(0, ownSettings: true)))], [(0, Cells.Of(made[0].Image))], 1);
    }

    [Fact]
    public void What_no_network_or_sampler_bears_fails_its_row_and_spoils_no_other()
    {
        var all = ImageRows.Rows(0, 0, 0, 0);
        all[1].Scale = 1e30;
        all[2].Steps = 60;
        var options = ImageRows.Own with { BatchSize = 4, Scheduler = "lcm" };
        var made = Made(Stages.Generate("Image", "Prompt", rows.Model, rows.OwnControl, options), all);
        Assert.Equal([false, true, true, false], made.Select(row => row.Image is null));
        Assert.StartsWith("The latents are not finite after step", made[1].Error, StringComparison.Ordinal);
        Assert.Contains("60", made[2].Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Stages_whose_vectors_are_no_numbers_fail_the_row_themselves()
    {
        var rowsOfAll = ImageRows.Rows(0, 1);
        rowsOfAll[1].Scale = 1e30;
        var data = _ml.Data.LoadFromEnumerable(rowsOfAll);
        var view = Stages.EncodeCondition("Hint", "Edges", rows.Canny, 64, 64).Append(Stages.EncodeText("Text", "Prompt", rows.Model)).Append(Stages.Denoise(
            "Latents", "Text", rows.Model, [new("Hint", rows.Canny) { ScaleColumn = "Scale" }], new() { Steps = 1, Width = 64, Height = 64, BatchSize = 2 })).Fit(data).Transform(data);
        var errors = view.GetColumn<string>("Error").ToList();
        Assert.Equal("", errors[0]);
        Assert.StartsWith("The latents are not finite", errors[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_strict_component_stops_at_the_row()
    {
        var all = ImageRows.Rows(0, 1);
        all[1].Edges = null;
        var estimator = Stages.Generate("Image", "Prompt", rows.Model, rows.PlainControl, ImageRows.Plain with { Strict = true });
        Assert.Equal("Row 1, column 'Image': There is no image in column 'Edges'.", Assert.Throws<RowFailedException>(() => Made(estimator, all)).Message);
    }

    [Fact]
    public void A_chain_keeps_the_first_reason_and_failed_vectors_are_not_numbers()
    {
        var all = ImageRows.Rows(0, 1);
        all[1].Edges = null;
        var data = _ml.Data.LoadFromEnumerable(all);
        var view = Chain("Error").Fit(data).Transform(data);
        Assert.Equal(["", "There is no image in column 'Edges'."], view.GetColumn<string>("Error"));
        Assert.Equal([false, true], Cells.Read(view, "Image").Select(row => row.Values.Length == 0));
        var hints = view.GetColumn<float[]>("Hint").ToList();
        Assert.Equal((64 * 8 * 8, true), (hints[1].Length, hints[1].All(float.IsNaN)));

        // A stage that is not told of the reason sees the missing value.
        var blind = Chain(null).Fit(data).Transform(data);
        Assert.Equal(["", "Column 'Hint' has values that are not finite, expected finite numbers."], blind.GetColumn<string>("Error"));

        EstimatorChain<DecodeImageTransformer> Chain(string? errors) => Stages.EncodeCondition("Hint", "Edges", rows.Canny, 64, 64, new() { ErrorColumn = errors })
            .Append(Stages.EncodeText("Text", "Prompt", rows.Model))
            .Append(Stages.Denoise("Latents", "Text", rows.Model, [new("Hint", rows.Canny)], new() { Steps = 1, Width = 64, Height = 64 }))
            .Append(Stages.DecodeImage("Image", "Latents", rows.Model));
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Stopping_takes_one_step_at_most(bool byTheContext)
    {
        // Stopped in the middle of the third of 1,000 steps, the UNet is not called again, neither for this batch nor for the row behind it.
        using var source = new CancellationTokenSource();
        var networks = new Recording
        {
            Predicting = step =>
            {
                if (step == 3 && byTheContext)
                    typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)!.Invoke(_ml, null);
                else if (step == 3)
                    source.Cancel();
            },
        };
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Backend = networks });
        var data = _ml.Data.LoadFromEnumerable(ImageRows.Rows(0, 1));
        var options = ImageRows.Plain with { Steps = 1000, BatchSize = 1, CancellationToken = source.Token };
        var view = Stages.Generate("Image", "Prompt", model, null, options).Fit(data).Transform(data);
        Assert.ThrowsAny<OperationCanceledException>(() => Cells.Read(view, "Image"));
        Assert.Equal(3, networks.Predictions);
    }

    [Fact]
    public void A_model_that_is_gone_says_so()
    {
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" });
        var data = _ml.Data.LoadFromEnumerable(ImageRows.Rows(0));
        var view = Stages.Generate("Image", "Prompt", model, null, ImageRows.Plain).Fit(data).Transform(data);
        model.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Cells.Read(view, "Image"));
    }

    [Fact]
    public void Hints_and_latents_of_another_shape_are_refused_before_any_row_is_read()
    {
        var data = _ml.Data.LoadFromEnumerable(ImageRows.Rows(0));
        var hints = Stages.EncodeText("Text", "Prompt", rows.Model).Append(Stages.EncodeCondition("Hint", "Edges", rows.Canny, 128, 64)).Fit(data).Transform(data);
        Refused("Schema mismatch for input column 'Hint': expected Vector<Single, 64, 8, 8>, got Vector<Single, 64, 8, 16>",
            () => Stages.Denoise("Latents", "Text", rows.Model, [new("Hint", rows.Canny)], new() { Width = 64, Height = 64 }).Fit(hints));
        Refused("Schema mismatch for input column 'Hint': expected Vector<Single, 2, 32, 256>, or of several windows, got Vector<Single, 64, 8, 16>",
            () => Stages.Denoise("Latents", "Hint", rows.Model).Fit(hints));
        Refused("Schema mismatch for input column 'Hint': expected Vector<Single, 8, h, w>, got Vector<Single, 64, 8, 16>",
            () => Stages.DecodeImage("Image", "Hint", rows.Model).Fit(hints));
        Refused("Schema mismatch for input column 'Seed': expected String, got Int64", () => Stages.Generate("Image", "Seed", rows.Model).Fit(data));
        Refused("Schema mismatch for input column 'Prompt': expected a number, got String",
            () => Stages.Generate("Image", "Prompt", rows.Model, null, new() { SeedColumn = "Prompt" }).Fit(data));
        Refused("Could not find input column 'Nothing'", () => Stages.Generate("Image", "Prompt", rows.Model, [new("Nothing", rows.Canny)]).Fit(data));

        static void Refused(string message, Action fit) => Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(fit).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_network_of_another_family_is_refused()
    {
        using var other = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), new LoadOptions { Device = "cpu" });
        Assert.Contains("of another family than the model 'emoji'", Assert.Throws<ControlNetException>(
            () => Stages.Generate("Image", "Prompt", rows.Model, [new("Edges", other)])).Message, StringComparison.Ordinal);
        Assert.Contains("of another family than the model 'emoji'", Assert.Throws<ControlNetException>(
            () => Stages.Denoise("Latents", "Text", rows.Model, [new("Hint", other)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_out_of_range_are_refused()
    {
        Refused("Steps is 0", new() { Steps = 0 });
        Refused("Guidance is NaN", new() { Guidance = double.NaN });
        Refused("Width is 60, expected a multiple of 8: 56 or 64.", new() { Width = 60 });
        Refused("Eta is 2", new() { Eta = 2 });
        Refused("Clip skip is -1", new() { ClipSkip = -1 });
        Refused("eulr", new() { Scheduler = "eulr" });
        Refused("BatchSize is 0", new() { BatchSize = 0 });
        Assert.Contains("scale of a control network is NaN", Assert.Throws<ControlNetException>(() => Stages.Generate(
            "Image", "Prompt", rows.Model, [new("Edges", rows.Canny) { Unit = new ControlUnit { Scale = double.NaN } }])).Message, StringComparison.Ordinal);
        Assert.Contains("The size is 60x64", Assert.Throws<ControlNetException>(() => Stages.EncodeCondition("Hint", "Edges", rows.Canny, 60, 64)).Message, StringComparison.Ordinal);

        void Refused(string message, GenerateComponentOptions options) => Assert.Contains(
            message, Assert.Throws<ControlNetException>(() => Stages.Generate("Image", "Prompt", rows.Model, null, options)).Message, StringComparison.Ordinal);
    }

    private List<MadeRow> Made(GenerateEstimator estimator, ImageRow[] all)
    {
        var data = _ml.Data.LoadFromEnumerable(all);
        return [.. _ml.Data.CreateEnumerable<MadeRow>(estimator.Fit(data).Transform(data), reuseRowObject: false)];
    }
}

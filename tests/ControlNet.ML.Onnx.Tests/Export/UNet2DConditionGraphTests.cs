using ControlNet.ML.Weights;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>Exported UNets and control networks against diffusers, with the same weights.</summary>
[Trait("Category", "Parity")]
public sealed class UNet2DConditionGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(ModuleCases.UNet), MemberType = typeof(ModuleCases))]
    public void UNet_and_control_networks_are_those_of_diffusers(string family)
    {
        Fixtures.SkipIfNothing(family, "modules/*-unet.safetensors");
        var reference = new ReferenceTensors(Fixtures.Path("modules", $"{family}-unet.safetensors"));
        var model = ModelFolder.Open(Fixtures.Path("models", family));
        using (var weights = model.OpenWeights("unet"))
        {
            GraphRun.Write(
                _folder.Path,
                weights,
                ("model.onnx", UNet2DConditionGraph.Build(model.UNet, default, takesResiduals: false)),
                ("controlnet.onnx", UNet2DConditionGraph.Build(model.UNet, default, takesResiduals: true)));
        }

        // ONNX Runtime takes a second or two to open each of these graphs, so not every family runs without its optimisations.
        foreach (var optimized in family is "sdxl" or "sd1-lcm" ? new[] { true, false } : [true])
        {
            using (var unet = new GraphRun(_folder.File("model.onnx"), optimized))
                CompareRows(reference, "output", row => unet.Run(Inputs(reference, row, withGuidance: true))["out_sample"].Values);
            if (!Controls(reference).Any())
                continue;
            using var controlled = new GraphRun(_folder.File("controlnet.onnx"), optimized);
            foreach (var name in Controls(reference))
                CompareControl(reference, family, name, controlled, optimized);
        }
    }

    private static IEnumerable<string> Controls(ReferenceTensors reference) =>
        reference.Names.Where(name => name.EndsWith(".condition", StringComparison.Ordinal)).Select(name => name[..^".condition".Length]);

    private void CompareControl(ReferenceTensors reference, string family, string name, GraphRun unet, bool optimized)
    {
        var folder = ControlFolder.Open(Fixtures.Path("models", $"{family}-control-{name}"));
        using (var weights = folder.OpenWeights())
        {
            GraphRun.Write(
                _folder.Path,
                weights,
                ("split.onnx", ControlNetGraph.Build(folder.Config, default, merged: false)),
                ("encoder.onnx", ConditionEncoderGraph.Build(folder.Config, default)),
                ("merged.onnx", ControlNetGraph.Build(folder.Config, default, merged: true)));
        }

        using var encoder = new GraphRun(_folder.File("encoder.onnx"), optimized);
        using var split = new GraphRun(_folder.File("split.onnx"), optimized);
        using var merged = new GraphRun(_folder.File("merged.onnx"), optimized);

        var (hintShape, hint) = encoder.Run(GraphRun.Floats("controlnet_cond", reference, $"{name}.condition"))["controlnet_hint"];
        Close.Relative(reference.Doubles($"{name}.condition_embedding"), hint, ModuleCases.Tolerance, "hint");
        for (var row = 0; row < Rows(reference); row++)
        {
            NamedOnnxValue[] inputs = [.. Inputs(reference, row), GraphRun.Double("conditioning_scale", 0.8)];
            var residuals = split.Run([.. inputs, GraphRun.Row("controlnet_hint", hint, hintShape, row)]);
            var condition = GraphRun.Row("controlnet_cond", reference.Floats($"{name}.condition"), reference.Shape($"{name}.condition"), row);
            var whole = merged.Run([
                .. inputs.Where(input => input.Name != "timestep"),
                GraphRun.Floats("timestep", [reference.Floats("timestep")[row]], 1),
                condition,
            ]);
            foreach (var (port, (_, values)) in residuals)
            {
                var expected = port == "mid_block_additional_residual" ? $"{name}.mid" : $"{name}.down.{port.Split('_')[2]}";
                Close.Relative(GraphRun.RowOf(reference, expected, row), values, ModuleCases.Tolerance, expected);
                Close.Relative(GraphRun.RowOf(reference, expected, row), whole[port].Values, ModuleCases.Tolerance, "merged " + expected);
            }

            var output = unet.Run([.. Inputs(reference, row), .. residuals.Select(entry => GraphRun.Floats(entry.Key, entry.Value.Values, entry.Value.Shape))]);
            Close.Relative(GraphRun.RowOf(reference, $"{name}.output", row), output["out_sample"].Values, ModuleCases.Tolerance, $"{name}.output");
        }
    }

    private static void CompareRows(ReferenceTensors reference, string name, Func<int, float[]> run)
    {
        for (var row = 0; row < Rows(reference); row++)
            Close.Relative(GraphRun.RowOf(reference, name, row), run(row), ModuleCases.Tolerance, $"{name} row {row}");
    }

    private static int Rows(ReferenceTensors reference) => reference.Shape("sample")[0];

    /// <summary>One row: the reference's rows have different time steps, a graph one time step for all of its rows.</summary>
    private static IEnumerable<NamedOnnxValue> Inputs(ReferenceTensors reference, int row, bool withGuidance = false)
    {
        string[] names = ["sample", "encoder_hidden_states", "text_embeds", "time_ids", "timestep_cond"];
        foreach (var name in names.Where(name => reference.Has(name) && (withGuidance || name != "timestep_cond")))
            yield return GraphRun.Row(name, reference.Floats(name), reference.Shape(name), row);
        yield return GraphRun.Floats("timestep", [reference.Floats("timestep")[row]]);
    }
}

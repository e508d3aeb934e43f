using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>Exported text encoders against transformers, with the same weights.</summary>
[Trait("Category", "Parity")]
public sealed class ClipTextGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(ModuleCases.Text), MemberType = typeof(ModuleCases))]
    public void Every_output_is_that_of_transformers(string family)
    {
        Fixtures.SkipIfNothing(family, "modules/*-text.safetensors");
        var reference = new ReferenceTensors(Fixtures.Path("modules", $"{family}-text.safetensors"));
        var model = ModelFolder.Open(Fixtures.Path("models", family));
        foreach (var (part, config, suffix) in new[] { ("text_encoder", model.TextEncoder, ""), ("text_encoder_2", model.TextEncoder2, "_2") })
        {
            if (config is null)
                continue;
            using var weights = model.OpenWeights(part);
            GraphRun.Write(_folder.Path, weights, ("model.onnx", ClipTextGraph.Build(config, default)));
            foreach (var optimized in new[] { true, false })
            {
                using var graph = new GraphRun(_folder.File("model.onnx"), optimized);
                var output = graph.Run(GraphRun.Integers("input_ids", reference, "input_ids" + suffix));
                Compare("last_hidden_state", "last_hidden_state");
                Compare("pooler_output", "pooler_output");
                Compare("text_embeds", "text_embeds");
                Compare("penultimate", $"hidden_states.{config.NumHiddenLayers - 1}");

                void Compare(string expected, string actual)
                {
                    if (reference.Has(expected + suffix) && output.TryGetValue(actual, out var found))
                        Close.Relative(reference.Doubles(expected + suffix), found.Values, ModuleCases.Tolerance, expected + suffix);
                }

                Assert.Equal(config.NumHiddenLayers + 1, output.Keys.Count(name => name.StartsWith(GraphNames.HiddenStates, StringComparison.Ordinal)));
            }
        }
    }
}

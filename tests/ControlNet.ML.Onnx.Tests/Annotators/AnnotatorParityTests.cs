using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Annotators;

/// <summary>
/// Annotators with the signatures of the public ones: what goes in, what comes out and the condition are those of the published
/// preprocessing, ONNX Runtime and the published postprocessing.
/// </summary>
[Trait("Category", "Parity")]
public class AnnotatorParityTests
{
    /// <summary>The forms among which an annotator is found, by the styles of its maps.</summary>
    private static readonly Dictionary<string, (string Form, Func<AnnotatorCase, string, IReadOnlyList<Annotator>> Forms)> Known = new()
    {
        ["midas-v21"] = ("midas-v21", (_, _) => DepthAnnotator.Midas(false)),
        ["dpt-hybrid-midas"] = ("dpt-hybrid-midas", (_, _) => DepthAnnotator.Midas(false)),
        ["depth-fp16"] = ("depth-fp16", (_, _) => DepthAnnotator.Midas(false)),
        ["depth-anything-v1"] = ("depth-anything-v1", (_, _) => DepthAnnotator.DepthAnything(false)),
        ["depth-anything-v2"] = ("depth-anything-v2", (_, _) => DepthAnnotator.DepthAnything(false)),
        ["depth-anything-hf"] = ("depth-anything-hf", (_, _) => DepthAnnotator.DepthAnything(false)),
        ["hed-projections"] = ("hed-projections", (c, style) => SoftEdgeAnnotator.Hed(Edges(c, style))),
        ["hed"] = ("hed", (c, style) => SoftEdgeAnnotator.Hed(Edges(c, style))),
        ["pidinet"] = ("pidinet", (c, style) => SoftEdgeAnnotator.PidiNet(Edges(c, style))),
        ["pidinet-fused"] = ("pidinet-fused", (c, style) => SoftEdgeAnnotator.PidiNet(Edges(c, style))),
        ["lineart"] = ("lineart", (c, _) => [new LineArtAnnotator(Resolution(c))]),
        ["lineart-anime"] = ("lineart-anime", (c, _) => [new LineArtAnimeAnnotator(Resolution(c))]),
        ["normalbae"] = ("normalbae", (c, _) => [new NormalAnnotator(Resolution(c), true), new NormalAnnotator(Resolution(c), false)]),
        ["normalbae-01"] = ("normalbae-01", (c, _) => [new NormalAnnotator(Resolution(c), true), new NormalAnnotator(Resolution(c), false)]),
        ["segformer"] = ("logits", (_, _) => SegmentationAnnotator.All(512)),
        ["upernet"] = ("logits", (_, _) => SegmentationAnnotator.All(512)),
        ["uniformer"] = ("uniformer", (_, _) => SegmentationAnnotator.All(512)),
        ["oneformer"] = ("oneformer", (_, _) => SegmentationAnnotator.All(512)),
        ["rmbg"] = ("rmbg", (_, _) => ForegroundAnnotator.All),
        ["u2net"] = ("u2net", (_, _) => ForegroundAnnotator.All),
    };

    public static TheoryData<string> Cases => Fixtures.Cases(AnnotatorCase.All.Where(c => Known.ContainsKey(c.Annotator)).Select(c => c.Id));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_reference(string id)
    {
        Fixtures.SkipIfNothing(id, "annotators");
        var found = AnnotatorCase.Find(id);
        var (form, forms) = Known[found.Annotator];
        using var graph = OnnxGraph.Open(found.Graph);
        var annotator = forms(found, "map").First(candidate => candidate.Fits(graph.Signature));
        Assert.Equal(form, annotator.Name);

        // Of a graph that leaves its size open, OneFormer's case says which it is.
        var port = graph.Signature.Inputs[0];
        if (found.Parameter("size") is { } size)
            port = port with { Shape = [1, 3, size[1].GetInt32(), size[0].GetInt32()] };
        var image = Color.Rgb(found.Image);
        var pixels = annotator.Prepare(image, port);
        found.CheckInput(port.Name, pixels.Values, pixels.Shape);
        var outputs = graph.Run(pixels, annotator.Tokens(graph.Signature));
        foreach (var output in outputs)
            found.CheckOutput(output);

        foreach (var map in found.Maps)
        {
            var styled = forms(found, map).First(candidate => candidate.Fits(graph.Signature));
            found.CheckMap(map, map == "labels" ? ((SegmentationAnnotator)styled).Labels(outputs, pixels.Shape, image) : styled.Read(outputs, pixels.Shape, image));
        }
    }

    private static int Resolution(AnnotatorCase c) => c.Parameter("detect_resolution")?.GetInt32() ?? 128;

    private static LearnedSoftEdgeOptions Edges(AnnotatorCase c, string style) =>
        new() { Resolution = c.Parameter("detect_resolution")?.GetInt32(), Style = style == "map" ? SoftEdgeStyle.Soft : Enum.Parse<SoftEdgeStyle>(style, ignoreCase: true) };
}

using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>Everything that the manifest's reference libraries computed and that we compute too: one line an operation.</summary>
[Trait("Category", "Parity")]
public class ConditionParityTests
{
    private static readonly Dictionary<string, Action<ConditionCase>> Operations = new()
    {
        ["gray-cv2"] = c => c.Check(Color.Grey(c.Image)),
        ["gray-pil"] = c => c.Check(Color.GreyPillow(c.Image)),
        ["hwc3"] = c => c.Check(Color.Hwc3(c.Image)),
        ["pil-rgb"] = c => c.Check(Color.Rgb(c.Image)),
        ["invert"] = c => c.Check(Color.Invert(c.Image)),
        ["lab-l-rgb"] = c => c.Check(Color.LabLightness(c.Image)),
        ["lab-l-bgr"] = c => c.Check(Color.LabLightness(c.Image, ChannelOrder.Bgr)),
        ["hsv-v"] = c => c.Check(Color.HsvValue(c.Image)),
        ["canny"] = c => c.Check(Canny.Apply(c.Image, CannyOptionsOf(c))),
        ["canny-of-gray"] = c => c.Check(Canny.Apply(Color.Grey(c.Image), CannyOptionsOf(c))),
        ["canny-aux"] = CannyOfControlNetAux,
        ["webui-canny"] = CannyOfWebUi,
        ["resize"] = c => c.Check(Resize.Apply(c.Image, c.Int("width"), c.Int("height"), c.Choice<Interpolation>("interpolation"))),
        ["resize-float"] = ResizeFloats,
        ["pil-resize"] = ResizeAsPillow,
        ["resize-multiple64"] = c => c.Check(WorkingResolution.ResizeToMultiple64(Color.Hwc3(c.Image), c.Int("resolution"))),
        ["resize-padded"] = c => c.Check(WorkingResolution.ResizeToPadded(Color.Hwc3(c.Image), c.Int("resolution")).Image),
        ["tile-condition"] = TileCondition,
        ["table-multiple64"] = c => CheckTable(c, Multiple64Row),
        ["table-padded"] = c => CheckTable(c, PaddedRow),
        ["table-pixel-perfect"] = c => CheckTable(c, PixelPerfectRow),
        ["fit-image"] = FitImage,
        ["fit-map"] = FitMap,
        ["centre-crop"] = c => c.Check(ImageFit.Apply(c.Image, Geometry.Centre(c.Image.Width, c.Image.Height, c.Int("width"), c.Int("height")))),
        ["train-crop"] = c => c.Check(ImageFit.Apply(c.Image, Geometry.Training(c.Image.Width, c.Image.Height, c.Int("s")), PillowFilter.Bilinear)),
        ["thin"] = c => c.Check(Thinning.Apply(Color.Grey(c.Image))),
        ["otsu"] = c => c.Check(Threshold.Apply(c.Image, Threshold.Otsu(c.Image))),
        ["dilate"] = c => c.Check(Morphology.Dilate(c.Image, NeighboursOf(c))),
        ["erode"] = c => c.Check(Morphology.Erode(c.Image, NeighboursOf(c))),
        ["gauss"] = c => c.Check(GaussianBlur.Apply(c.Image, c.Double("sigma"))),
        ["gauss-ksize"] = c => c.Check(GaussianBlur.Apply(c.Image, c.Parameter("ksize")[0].GetInt32(), c.Parameter("ksize")[1].GetInt32(), c.Double("sigma"))),
        ["gauss-float"] = GaussOfFloats,
        ["median"] = c => c.Check(MedianBlur.Apply(c.Image, c.Int("size"))),
        ["drawing"] = c => c.Check(Scribble.Apply(c.Image)),
        ["threshold"] = c => c.Check(ThresholdMap.Apply(c.Image, new ThresholdOptions { Threshold = c.Int("threshold") })),
        ["xdog"] = c => c.Check(ScribbleXDoG.Apply(c.Image, new ScribbleXDoGOptions { Threshold = c.Int("threshold") })),
        ["lineart"] = c => c.Check(LineArtStandard.Apply(c.Image, new LineArtStandardOptions { Sigma = c.Double("sigma"), Cut = c.Double("cut") })),
        ["webui-xdog"] = c => Padded(c, image => ScribbleXDoG.Apply(image, new ScribbleXDoGOptions { Threshold = c.Int("threshold") })),
        ["webui-lineart"] = c => Padded(c, image => LineArtStandard.Apply(image)),
        ["tile-down"] = c => c.Check(Tile.Down(c.Image, new TileOptions { DownSampling = c.Double("n") })),
        ["tile-down-up"] = c => c.Check(Tile.Apply(c.Image, new TileOptions { DownSampling = c.Double("n") })),
        ["luminance"] = c => c.Check(Recolor.Luminance(c.Image, new RecolorOptions { Gamma = c.Double("gamma") })),
        ["intensity"] = c => c.Check(Recolor.Intensity(c.Image, new RecolorOptions { Gamma = c.Double("gamma") })),
        ["gamma-tables"] = GammaTables,
        ["gauss-kernels"] = Kernels,
        ["pil-gauss"] = c => c.Check(PillowGaussianBlur.Apply(c.Image, c.Double("radius"))),
        ["nms"] = c => c.Check(SoftEdges.Thin(Color.Grey(c.Image))),
        ["soft-scribble"] = c => c.Check(SoftEdges.Scribble(Color.Grey(c.Image))),
        ["safe"] = c => c.Check(SoftEdges.Safe(c.Image)),
        ["lineart-aux"] = LineArtOfControlNetAux,
        ["colour-grid"] = ColorGridOf,
        ["remap"] = RemapByFlow,
        ["inpaint-condition"] = c => CheckTensor(c, Inpaint.ToTensor(c.Image, ImageCodec.Load(c.SecondFile))),
        ["inpaint-mask"] = c => CheckTensor(c, Inpaint.MaskToTensor(c.Image, SizeOf(c).Width, SizeOf(c).Height)),
        ["palette"] = PaletteOf,
        ["labels-to-colours"] = c => c.Check(Palette(c).ToColors(c.Image)),
        ["labels-there-and-back"] = c => c.Check(Palette(c).ToLabels(Palette(c).ToColors(c.Image))),
        ["nearest-label"] = c => c.Check(Palette(c).ToNearestLabels(c.Image)),
        ["exact-label"] = c => c.Check(Palette(c).ToLabels(c.Image)),
        ["depth-midas"] = c => c.Check(Depth.Apply(c.Map)),
        ["depth-midas-inverted"] = c => c.Check(Depth.Apply(c.Map, new DepthOptions { Invert = true })),
        ["depth-zoe"] = c => c.Check(Depth.Apply(c.Map, new DepthOptions { Scaling = DepthScaling.Percentile })),
        ["depth-max"] = c => c.Check(Depth.Apply(c.Map, new DepthOptions { Scaling = DepthScaling.Maximum })),
        ["depth-leres"] = c => c.Check(Depth.Apply(c.Map, new DepthOptions { Scaling = DepthScaling.LeReS, Near = c.Double("near"), Far = c.Double("far") })),
        ["normal-from-depth"] = c => c.Check(Normals.FromDepth(c.Map, new NormalsOptions { BackgroundThreshold = c.Double("bg_threshold"), Order = c.Choice<ChannelOrder>("order") })),
        ["normal-from-network"] = NormalsOfNetwork,
        ["ellipse2poly"] = DrawingChecks.EllipseToPolygon,
        ["fill-ellipses"] = DrawingChecks.FillEllipses,
        ["fill-polygons"] = DrawingChecks.FillPolygons,
        ["circles"] = DrawingChecks.Circles,
        ["lines"] = DrawingChecks.Lines,
        ["add-weighted"] = c => c.Check(Blend.AddWeighted(c.Images[0], 0.4f, c.Images[1], 0.6f)),
        ["pose"] = PoseChecks.Scene,
        ["hands-and-face"] = PoseChecks.HandsAndFace,
        ["coco17-to-18"] = PoseChecks.CocoToBody,
        ["mlsd-map"] = DrawingChecks.LineMap,
        ["condition-tensor"] = ConditionTensor,
        ["image-tensor"] = c => CheckTensor(c, TensorImages.ToSigned(TensorImages.Prepare(c.Image, SizeOf(c).Width, SizeOf(c).Height))),
        ["training-source"] = c => CheckRowsFirst(c, TensorImages.ToUnit(c.Image)),
        ["training-target"] = c => CheckRowsFirst(c, TensorImages.ToSigned(c.Image)),
        ["decode-diffusers"] = c => Decode(c, PixelRounding.HalfToEven),
        ["decode-original"] = c => Decode(c, PixelRounding.Truncate),
    };

    public static TheoryData<string> Cases => Fixtures.Cases(ConditionCase.All.Where(c => Operations.ContainsKey(c.Operation)).Select(c => c.Id));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_reference(string id)
    {
        Fixtures.SkipIfNothing(id, "conditions");
        var found = ConditionCase.Find(id);
        Operations[found.Operation](found);
    }

    private static CannyOptions CannyOptionsOf(ConditionCase c) => new()
    {
        Low = c.Double("low"),
        High = c.Double("high"),
        Aperture = c.Has("apertureSize") ? c.Int("apertureSize") : 3,
        L2Gradient = c.Has("L2gradient") && c.Parameter("L2gradient").GetBoolean(),
    };

    private static void CannyOfControlNetAux(ConditionCase c)
    {
        var image = WorkingResolution.ResizeToMultiple64(Color.Hwc3(c.Image), c.Int("detect_resolution"));
        var edges = Color.Hwc3(Canny.Apply(image, CannyOptionsOf(c)));
        var (width, height) = WorkingResolution.Multiple64(image.Width, image.Height, c.Int("image_resolution"));
        c.Check(Resize.Apply(edges, width, height, Interpolation.Linear));
    }

    private static void CannyOfWebUi(ConditionCase c)
    {
        var (image, geometry) = WorkingResolution.ResizeToPadded(Color.Hwc3(c.Image), c.Int("resolution"));
        c.Check(geometry.Cut(Canny.Apply(image, CannyOptionsOf(c))));
    }

    private static void Padded(ConditionCase c, Func<ImageBuffer, ImageBuffer> condition)
    {
        var (image, geometry) = WorkingResolution.ResizeToPadded(Color.Hwc3(c.Image), c.Int("resolution"));
        c.Check(geometry.Cut(condition(image)));
    }

    private static void GaussOfFloats(ConditionCase c)
    {
        var image = c.Image;
        float[] samples = [.. image.Samples.Select(sample => (float)sample)];
        var blurred = GaussianBlur.Apply(samples, image.Width, image.Height, image.Channels, c.Double("sigma"));
        c.Check(blurred, image.Channels == 1 ? [image.Height, image.Width] : [image.Height, image.Width, image.Channels]);
    }

    private static void ResizeFloats(ConditionCase c)
    {
        var image = c.Image;
        float[] samples = [.. image.Samples.Select(sample => (float)sample)];
        var (width, height) = (c.Int("width"), c.Int("height"));
        var resized = c.Choice<Interpolation>("interpolation") switch
        {
            Interpolation.Linear => FloatResize.Linear(samples, image.Width, image.Height, image.Channels, width, height),
            Interpolation.Area => FloatResize.Area(samples, image.Width, image.Height, image.Channels, width, height),
            var other => throw new NotSupportedException($"{c.Id}: {other}"),
        };
        c.Check(resized, image.Channels == 1 ? [height, width] : [height, width, image.Channels]);
    }

    private static void ResizeAsPillow(ConditionCase c)
    {
        PillowBox? box = c.Has("box") && c.Parameter("box").EnumerateArray().Select(e => e.GetSingle()).ToArray() is [var left, var top, var right, var bottom]
            ? new PillowBox(left, top, right, bottom)
            : null;
        var order = OrderOf(c);
        var (width, height, filter) = (c.Int("width"), c.Int("height"), c.Choice<PillowFilter>("filter"));
        c.Check(PillowResize.Apply(c.Image, width, height, filter, box, order));

        // What Pillow 13 chose itself is what we choose; only the cases of Pillow 12 say otherwise.
        if (!c.Id.Contains("pillow12", StringComparison.Ordinal))
            c.Check(PillowResize.Apply(c.Image, width, height, filter, box));
    }

    private static PillowPassOrder OrderOf(ConditionCase c) =>
        !c.Has("first") ? PillowPassOrder.ByShape
        : c.Parameter("first").GetString() == "vertical" ? PillowPassOrder.VerticalFirst : PillowPassOrder.HorizontalFirst;

    private static void TileCondition(ConditionCase c)
    {
        var image = Color.Rgb(c.Image);
        var (width, height) = WorkingResolution.Multiple64(image.Width, image.Height, c.Int("resolution"));
        c.Check(PillowResize.Apply(image, width, height, PillowFilter.Lanczos));
    }

    private static void FitImage(ConditionCase c)
    {
        var mode = c.Parameter("mode").GetString() == "default" ? FitMode.Resize : c.Choice<FitMode>("mode");
        var image = c.Image;
        c.Check(ImageFit.Apply(image, Geometry.ForImage(image.Width, image.Height, c.Int("width"), c.Int("height"), mode), order: OrderOf(c)));
    }

    private static void FitMap(ConditionCase c)
    {
        var map = c.Image;
        c.Check(MapFit.Apply(map, Geometry.ForMap(map.Width, map.Height, c.Int("width"), c.Int("height"), c.Choice<FitMode>("mode"))));
    }

    private static IReadOnlyList<(int X, int Y)>? NeighboursOf(ConditionCase c)
    {
        if (!c.Has("kernel"))
            return null;
        var kernel = c.Parameter("kernel");
        return [.. Morphology.Square.Where(at => kernel[at.Y + 1][at.X + 1].GetInt32() != 0)];
    }

    private static void CheckTable(ConditionCase c, Func<JsonElement, object[]> row)
    {
        foreach (var expected in c.ExpectedJson().EnumerateArray())
            Assert.Equal(expected.EnumerateArray().Select(e => e.ToString()), row(expected).Select(value => $"{value}"));
    }

    private static object[] Multiple64Row(JsonElement r)
    {
        var (height, width, resolution) = (r[0].GetInt32(), r[1].GetInt32(), r[2].GetInt32());
        var size = WorkingResolution.Multiple64(width, height, resolution);
        return [height, width, resolution, size.Height, size.Width, resolution > Math.Min(width, height) ? "lanczos4" : "area"];
    }

    private static object[] PaddedRow(JsonElement r)
    {
        var (height, width, resolution) = (r[0].GetInt32(), r[1].GetInt32(), r[2].GetInt32());
        var g = WorkingResolution.Padded(width, height, resolution);
        var interpolation = resolution > Math.Min(width, height) ? "cubic" : "area";
        return [height, width, resolution, g.ScaledHeight, g.ScaledWidth, g.Height - g.ScaledHeight, g.Width - g.ScaledWidth, interpolation];
    }

    private static object[] PixelPerfectRow(JsonElement r)
    {
        var (height, width, targetHeight, targetWidth) = (r[0].GetInt32(), r[1].GetInt32(), r[2].GetInt32(), r[3].GetInt32());
        var mode = Enum.Parse<FitMode>(r[4].GetString()!, ignoreCase: true);
        return [height, width, targetHeight, targetWidth, r[4], WorkingResolution.PixelPerfect(Geometry.ForMap(width, height, targetWidth, targetHeight, mode))];
    }

    // diffusers rounds any size down to a multiple of 8 by itself; we ask for such a one.
    private static (int Width, int Height) SizeOf(ConditionCase c)
    {
        var image = c.Image;
        return (Down(c.Has("width") ? c.Int("width") : image.Width), Down(c.Has("height") ? c.Int("height") : image.Height));

        static int Down(int side) => side / TensorImages.Multiple * TensorImages.Multiple;
    }

    private static void ConditionTensor(ConditionCase c) => CheckTensor(c, ConditionImages.ToTensor(c.Image, SizeOf(c).Width, SizeOf(c).Height));

    private static void CheckTensor(ConditionCase c, TensorData tensor) => c.Check(tensor.Values, tensor.Shape);

    private static void CheckRowsFirst(ConditionCase c, TensorData tensor)
    {
        var (height, width) = (tensor.Shape[2], tensor.Shape[3]);
        var values = new float[tensor.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = tensor.Values[(i % 3 * height * width) + (i / 3)];
        c.Check(values, height, width, 3);
    }

    private static SegmentationPalette Palette(ConditionCase c) => SegmentationPalette.Find(c.Parameter("palette").GetString()!);

    private static void PaletteOf(ConditionCase c)
    {
        var palette = SegmentationPalette.Find(c.Id.Split('/')[1]);
        var expected = c.ExpectedJson();
        Assert.Equal(expected.GetProperty("names").EnumerateArray().Select(name => name.GetString()!.Trim()), palette.Classes.Select(found => found.Name));
        Assert.Equal(
            expected.GetProperty("rgb").EnumerateArray().Select(color => string.Join(' ', color.EnumerateArray().Select(e => e.GetByte()))),
            palette.Classes.Select(found => $"{found.Red} {found.Green} {found.Blue}"));
    }

    private static void GammaTables(ConditionCase c)
    {
        var levels = new ImageBuffer(256, 1, 1, [.. Enumerable.Range(0, 256).Select(level => (byte)level)]);
        foreach (var table in c.ExpectedJson().EnumerateObject())
        {
            var gamma = double.Parse(table.Name, System.Globalization.CultureInfo.InvariantCulture);
            var expected = table.Value.EnumerateArray().Select(e => e.GetInt32());
            var off = Recolor.Intensity(levels, new RecolorOptions { Gamma = gamma }).Samples.Zip(expected, (a, b) => Math.Abs(a - b)).ToArray();
            Assert.True(off.Max() <= 1 && off.Count(d => d > 0) <= 2, $"gamma {gamma}: {off.Count(d => d > 0)} levels differ by up to {off.Max()}");
        }
    }

    private static void Kernels(ConditionCase c)
    {
        foreach (var sigma in c.Expected.Names)
        {
            var expected = c.Expected.Doubles(sigma);
            var weights = GaussianBlur.Weights(expected.Length, double.Parse(sigma, System.Globalization.CultureInfo.InvariantCulture));
            Assert.All(weights.Zip(expected), pair => Assert.Equal(pair.Second, pair.First, 1e-12));
        }
    }

    private static void LineArtOfControlNetAux(ConditionCase c)
    {
        var lines = LineArtStandard.Apply(WorkingResolution.ResizeToMultiple64(Color.Hwc3(c.Image), c.Int("detect_resolution")));
        c.Check(Resize.Apply(lines, c.Image.Width, c.Image.Height, Interpolation.Cubic));
    }

    // The reference stretches to a square; an image that is one already shows our cells alone.
    private static void ColorGridOf(ConditionCase c)
    {
        var side = c.Int("res");
        var small = Resize.Apply(c.Image, side / 64, side / 64, Interpolation.Cubic);
        c.Check(ColorGrid.Apply(Resize.Apply(small, side, side, Interpolation.Nearest), new ColorGridOptions { Cell = 64 }));
    }

    private static void RemapByFlow(ConditionCase c)
    {
        var flow = new ReferenceTensors(c.SecondFile);
        var shape = flow.Shape("flow");
        c.Check(Remap.Apply(c.Image, flow.Floats("flow"), shape[1], shape[0]));
    }

    private static void NormalsOfNetwork(ConditionCase c)
    {
        var (shape, values) = (c.Tensors.Shape("normals"), c.Tensors.Floats("normals"));
        c.Check(Normals.FromNetwork(Channel(0), Channel(1), Channel(2), shape[1], shape[0]));

        float[] Channel(int channel) => [.. values.Where((_, i) => i % 3 == channel)];
    }

    private static void Decode(ConditionCase c, PixelRounding rounding)
    {
        var tensors = c.Tensors;
        var name = tensors.Names.Single();
        c.Check(TensorImages.FromSigned(new TensorData(tensors.Floats(name), tensors.Shape(name)), rounding).Single());
    }
}

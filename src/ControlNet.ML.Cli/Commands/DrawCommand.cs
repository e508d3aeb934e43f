using System.CommandLine;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet draw</c>: draws conditions from data, without a photo.</summary>
internal static class DrawCommand
{
    public static Command Create(Terminal terminal) => new("draw", "Draw a condition from data: keypoints, labelled regions or depths.")
    {
        Kind(
            terminal,
            "pose",
            "keypoints.json",
            "OpenPose skeletons from keypoints, in OpenPose's or COCO's JSON.",
            new PoseDrawingOptions(),
            Pose),
        Kind(
            terminal,
            "segmentation",
            "layout.json",
            "A segmentation map from labelled boxes or polygons, in our own JSON or COCO's annotations.",
            new NoOptions(),
            Segmentation),
        Kind(
            terminal,
            "depth",
            "depths",
            "A depth map from a .npy file, a 16-bit PNG or any grey image; near is bright.",
            new DepthOptions(),
            Depths),
        Kind(
            terminal,
            "normal",
            "depths",
            "A normal map from the same kinds of file; nearer values have to be larger.",
            new NormalsOptions(),
            NormalsOfDepths),
    };

    private static Command Kind<TOptions>(
        Terminal terminal, string name, string fileName, string description, TOptions defaults, Func<Request<TOptions>, ImageBuffer> draw)
        where TOptions : class
    {
        var file = new Argument<string>(fileName) { Description = "Input file." };
        var size = new SizeOptions(
            "N or WIDTHxHEIGHT of the result; by default the size in the file.",
            "a side that is not given follows from the aspect ratio.");
        var fit = ImageOptions.FitOption();
        var canvas = new Option<string?>("--canvas")
        {
            Description = "N or WIDTHxHEIGHT of the image in which the keypoints were detected, if their file does not say it.",
        };
        var image = new Option<long?>("--image") { Description = "Id of the image to draw, if a COCO file describes several." };
        var options = ConditionOption.Of(defaults);
        var set = new Option<string[]>("--set")
        {
            Description = $"NAME=VALUE: an option: {string.Join("; ", options.Select(o => $"{o.Name} ({ConditionList.Explain(o)})"))}. "
                + "Repeatable.",
            HelpName = "name=value",
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = $"Output file; by default FILE-{name}.png. A FOLDER/ keeps the default name.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the file's name." };
        var command = new Command(name, description) { file };
        foreach (var option in (Option[])[.. size.All, fit, output, json])
            command.Add(option);
        if (options.Count > 0)
            command.Add(set);
        if (name == "pose")
            command.Add(canvas);
        if (name is "pose" or "segmentation")
            command.Add(image);
        command.SetAction(result =>
        {
            var source = result.GetValue(file)!;
            var chosen = UsageException.Of(() => OptionTexts.Parse(defaults, options.Count > 0 ? result.GetValue(set) ?? [] : [], name));
            var fileTo = OutputName.File(result.GetValue(output), $"{Path.GetFileNameWithoutExtension(source)}-{name}.png");
            var target = ImageFiles.Prepare(fileTo, name).Image(1, 1);
            InputFiles.Keep([target], (source, InputFiles.Read));
            var drawing = draw(new Request<TOptions>(
                source,
                chosen,
                size.Of(result),
                ImageOptions.FitOf(result.GetValue(fit)!),
                name == "pose" && result.GetValue(canvas) is { } found ? SizeRequest.Parse(found, "--canvas").For(1, 1) : null,
                name is "pose" or "segmentation" ? result.GetValue(image) : null));
            ImageCodec.Save(target, drawing);
            if (result.GetValue(json))
                Json.Print(terminal, new { kind = name, file = target, drawing.Width, drawing.Height });
            else
                terminal.Result(target);
            return App.Success;
        });
        return command;
    }

    private static ImageBuffer Pose(Request<PoseDrawingOptions> request)
    {
        var scene = PoseFile.Read(
            request.File,
            new PoseReadOptions { Width = request.Canvas?.Width, Height = request.Canvas?.Height, ImageId = request.Image });
        return request.At(scene.Width, scene.Height, (width, height) => PoseDrawing.Draw(scene.People, width, height, request.Options));
    }

    private static ImageBuffer Segmentation(Request<NoOptions> request)
    {
        var layout = SegmentationLayoutFile.Read(request.File, request.Image);
        return request.At(layout.Width, layout.Height, layout.Draw);
    }

    private static ImageBuffer Depths(Request<DepthOptions> request)
    {
        var map = Depth.Apply(DepthFile.Read(request.File), request.Options);
        return request.Fitted(map);
    }

    private static ImageBuffer NormalsOfDepths(Request<NormalsOptions> request) =>
        request.Fitted(Normals.FromDepth(DepthFile.Read(request.File), request.Options));

    /// <summary>For kinds without options.</summary>
    private sealed record NoOptions;

    private sealed record Request<TOptions>(string File, TOptions Options, SizeRequest? Size, FitMode Fit, ImageSize? Canvas, long? Image)
    {
        /// <summary>
        /// Draws at the size to which the geometry scales the data, so that nothing is resampled; the rest of the image is black.
        /// </summary>
        public ImageBuffer At(int width, int height, Func<int, int, ImageBuffer> draw)
        {
            if (Size is null)
                return draw(width, height);
            var wanted = Size.For(width, height);
            var geometry = Geometry.ForMap(width, height, wanted.Width, wanted.Height, Fit);
            var result = new ImageBuffer(geometry.Width, geometry.Height, 3);
            geometry.Place(draw(geometry.ScaledWidth, geometry.ScaledHeight), result);
            return result;
        }

        /// <summary>Fits a map to the size.</summary>
        public ImageBuffer Fitted(ImageBuffer map) => Size?.For(map.Width, map.Height) is { } wanted
            ? MapFit.Apply(map, Geometry.ForMap(map.Width, map.Height, wanted.Width, wanted.Height, Fit))
            : map;
    }
}

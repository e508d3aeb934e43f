using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Conditions;

/// <summary>COCO's keypoint files: annotations of many images, each with 17 keypoints in pixels.</summary>
internal static class CocoJson
{
    private const string PointsKey = "keypoints";
    private const string ImageKey = "image_id";

    public static PoseScene Read(PoseJson file, JsonElement annotations)
    {
        JsonElement[] all = [.. file.List(annotations, "annotations")];
        var id = ChooseImage(file, all);
        var (width, height) = file.Size(FindImage(file, id), "width", "height");
        var people = new List<PosePerson>();
        for (var i = 0; i < all.Length; i++)
        {
            var name = $"annotation {i + 1}";
            if (ImageOf(file, all[i], name) != id || file.Points(all[i], PointsKey, name, CocoKeypoints.Count) is not { } pixels)
                continue;

            // Data sets contain people without any marked keypoint.
            if (pixels.All(point => point is null))
                continue;
            if (people.Count == PoseFile.MaxPeople)
                throw file.Error($"image {id} has more than {PoseFile.MaxPeople:N0} people, expected at most that many.");
            people.Add(new PosePerson { Body = CocoKeypoints.ToBody(pixels.ToFractions(width, height), threshold: 0) });
        }

        return new PoseScene(width, height, people);
    }

    /// <summary>The requested image, otherwise the only one; null if the file names no images.</summary>
    private static string? ChooseImage(PoseJson file, JsonElement[] annotations)
    {
        var ids = Images(file).Select(image => IdOf(file, image, "id", "an image"))
            .Concat(annotations.Select((annotation, i) => ImageOf(file, annotation, $"annotation {i + 1}")))
            .OfType<string>().Distinct().Order(StringComparer.Ordinal).ToList();
        if (file.ImageId is { } wanted)
        {
            return ids.Contains(CocoId.Of(wanted))
                ? CocoId.Of(wanted)
                : throw file.Error(
                    $"there is no image {wanted}, expected one of {ids.Count:N0}: {Message.List([.. ids.Select(Message.Name)])}.");
        }

        return ids.Count <= 1
            ? ids.SingleOrDefault()
            : throw file.Error(
                $"it describes {ids.Count:N0} images ({Message.List([.. ids.Select(Message.Name)])}), expected an image's id to be given.");
    }

    private static JsonElement? FindImage(PoseJson file, string? id) =>
        Images(file).Select(image => (JsonElement?)image).FirstOrDefault(image => IdOf(file, image!.Value, "id", "an image") == id);

    private static IEnumerable<JsonElement> Images(PoseJson file) =>
        file.IsBare || !file.Root.TryGetProperty("images", out var images) ? [] : file.List(images, "images");

    private static string? ImageOf(PoseJson file, JsonElement annotation, string name) => IdOf(file, annotation, ImageKey, name);

    private static string? IdOf(PoseJson file, JsonElement holder, string key, string name)
    {
        if (holder.ValueKind != JsonValueKind.Object)
            throw file.Error($"{name} is {JsonText.Describe(holder)}, expected an object.");
        if (!holder.TryGetProperty(key, out var value))
            return null;
        return CocoId.Of(value)
            ?? throw file.Error($"'{key}' of {name} is {JsonText.Describe(value)}, expected a whole number or a string.");
    }
}

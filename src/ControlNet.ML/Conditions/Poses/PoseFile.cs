using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Conditions;

/// <summary>
/// Keypoint files in JSON. Reads OpenPose's format (18 keypoints in COCO order, or the 25 of BODY_25, whose feet are dropped; the first
/// element of a list of such files, as web UIs write it) and COCO's (17 keypoints: images and annotations, or a bare list of annotations).
/// Writes OpenPose's.
/// </summary>
public static class PoseFile
{
    /// <summary>The maximum number of people in one image.</summary>
    public const int MaxPeople = 10_000;

    /// <summary>Reads a file of at most 64 MB.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">Size and image, if the file does not determine them; null for neither.</param>
    /// <returns>The people with their image's size. A keypoint of confidence 0 (in COCO: visibility 0) is missing.</returns>
    /// <exception cref="ControlNetException">
    /// The file cannot be read, has an unknown format, or lacks what the options do not give.
    /// </exception>
    public static PoseScene Read(string path, PoseReadOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Parse(JsonText.ReadFile(path, path), path, options);
    }

    /// <summary>Reads a file in memory.</summary>
    /// <param name="json">The whole file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="options">Size and image, if the file does not determine them; null for neither.</param>
    /// <returns>The people with their image's size.</returns>
    /// <exception cref="ControlNetException">The format is unknown, or the file lacks what the options do not give.</exception>
    public static PoseScene Parse(ReadOnlySpan<byte> json, string source, PoseReadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        options ??= new PoseReadOptions();
        var root = JsonText.Parse(json, source, "a JSON object or list of keypoints");
        var first = root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0 ? root[0] : root;
        if (first.ValueKind == JsonValueKind.Object)
        {
            if (first.TryGetProperty("people", out _))
                return OpenPoseJson.Read(new PoseJson(first, source, options));
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("annotations", out var annotations))
                return CocoJson.Read(new PoseJson(root, source, options), annotations);
            if (root.ValueKind == JsonValueKind.Array && first.TryGetProperty("keypoints", out _))
                return CocoJson.Read(new PoseJson(null, source, options), root);
        }

        throw new ControlNetException(
            $"{source}: holds {JsonText.Describe(root)} without keypoints, expected OpenPose's 'people', or COCO's 'annotations' or a "
                + $"list of them.");
    }

    /// <summary>
    /// Writes people in OpenPose's format, in pixels, with 'canvas_width' and 'canvas_height'. If no coordinate is above 1 pixel, pixels
    /// would be read as fractions, so fractions are written.
    /// </summary>
    /// <param name="path">The file; its folder must exist. It is written atomically.</param>
    /// <param name="scene">The people. Readers treat keypoints whose score is not above 0 as missing.</param>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    /// <exception cref="ArgumentException">A coordinate or score is not finite.</exception>
    public static void Write(string path, PoseScene scene)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(scene);
        var json = OpenPoseJson.Write(scene);
        AtomicFile.Write(path, file => file.Write(json));
    }
}

using System.CommandLine;
using System.Globalization;

namespace ControlNet.ML.Cli;

/// <summary>A size on the command line: <c>--size 512</c>, <c>--size 640x480</c>, or <c>--width</c> and <c>--height</c>.</summary>
/// <param name="Width">Pixels, or null if only the height is given.</param>
/// <param name="Height">Pixels, or null if only the width is given.</param>
internal sealed record SizeRequest(int? Width, int? Height)
{
    /// <summary>Parses N or WIDTHxHEIGHT.</summary>
    /// <param name="text">The text.</param>
    /// <param name="option">The option that gives it.</param>
    /// <exception cref="UsageException">The text is neither.</exception>
    public static SizeRequest Parse(string text, string option = "--size")
    {
        var parts = text.Split('x', 'X');
        return parts.Length <= 2 && parts.All(part => int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? new SizeRequest(Side(parts[0]), Side(parts[^1]))
            : throw new UsageException($"{option} is {Message.Name(text)}, expected N or WIDTHxHEIGHT in pixels.");

        static int Side(string part) => int.Parse(part, CultureInfo.InvariantCulture);
    }

    /// <summary>The size for an image: a side that is not given follows from its aspect ratio.</summary>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    /// <exception cref="UsageException">The size exceeds the limits for images that are read.</exception>
    public ImageSize For(int width, int height) => new ImageSize(
        Width ?? Proportional(width, Height!.Value, height), Height ?? Proportional(height, Width!.Value, width)).InMemory();

    private static int Proportional(int side, int other, int otherBefore) =>
        (int)Math.Clamp(Math.Round((double)side * other / otherBefore), 1, int.MaxValue);
}

/// <summary>The options for a size, the same in each command that has one.</summary>
internal sealed class SizeOptions
{
    private readonly Option<string?> _size;
    private readonly Option<int?> _width;
    private readonly Option<int?> _height;

    /// <summary>Creates the options.</summary>
    /// <param name="description">The description of <c>--size</c>.</param>
    /// <param name="side">What a width without a height, or the other way round, means.</param>
    public SizeOptions(string description, string side)
    {
        _size = new("--size") { Description = description, HelpName = "size" };
        _width = new("--width") { Description = $"Width in pixels, instead of --size; {side}", HelpName = "pixels" };
        _height = new("--height") { Description = "Height in pixels, instead of --size.", HelpName = "pixels" };
    }

    /// <summary>The options, in the order of the help.</summary>
    public Option[] All => [_size, _width, _height];

    /// <summary>The size on a command line, or null.</summary>
    /// <exception cref="UsageException">It cannot be read, or is given twice.</exception>
    public SizeRequest? Of(ParseResult result)
    {
        var (size, width, height) = (result.GetValue(_size), result.GetValue(_width), result.GetValue(_height));
        if (size is null)
            return width is null && height is null ? null : new SizeRequest(width, height);
        return width is null && height is null
            ? SizeRequest.Parse(size)
            : throw new UsageException($"--size and {(width is null ? "--height" : "--width")} both give the size, expected one of them.");
    }
}

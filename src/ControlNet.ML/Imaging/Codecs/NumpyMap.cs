using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace ControlNet.ML.Imaging;

/// <summary>
/// Reads a map from a <c>.npy</c> file: numbers of any integer or float type, in two dimensions besides those of size 1. Pickled objects,
/// which could run code, are refused.
/// </summary>
public static partial class NumpyMap
{
    private const int Start = 10;

    /// <summary>The first six bytes of every file.</summary>
    internal static ReadOnlySpan<byte> Signature => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>Reads a file.</summary>
    /// <param name="file">The whole file.</param>
    /// <param name="source">The file's name, for errors.</param>
    /// <param name="maxPixels">Maximum number of values.</param>
    /// <returns>The values.</returns>
    /// <exception cref="ControlNetException">
    /// The file has another format, is cut off or too large, or does not hold a map of numbers.
    /// </exception>
    public static FloatMap Read(ReadOnlySpan<byte> file, string source, long maxPixels)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (!file.StartsWith(Signature) || file.Length < Start + 2)
            throw new ControlNetException($"{source} is not a NumPy array: its first bytes are not those of one.");
        var wide = file[6] >= 2;
        var length = wide ? BinaryPrimitives.ReadUInt32LittleEndian(file[8..]) : BinaryPrimitives.ReadUInt16LittleEndian(file[8..]);
        var begin = wide ? Start + 2 : Start;
        if (length > file.Length - begin)
            throw new ControlNetException($"{source} is cut off within its header.");
        var header = Encoding.UTF8.GetString(file.Slice(begin, (int)length));
        var type = Descriptor().Match(header).Groups["type"].Value;
        var (width, height) = Size(header, source, maxPixels);
        var data = file[(begin + (int)length)..];
        var size = SizeOf(type, source);
        if (data.Length != (long)width * height * size)
        {
            throw new ControlNetException(
                $"{source} has {data.Length:N0} bytes of data, expected {(long)width * height * size:N0} for {height}x{width} of "
                    + $"'{type}'.");
        }


        var map = new FloatMap(width, height);
        var columnsFirst = FortranOrder().IsMatch(header);
        for (var i = 0; i < map.Values.Length; i++)
        {
            var at = columnsFirst ? (i % width * height) + (i / width) : i;
            map.Values[i] = Value(data.Slice(at * size, size), type);
        }

        return map;
    }

    private static (int Width, int Height) Size(string header, string source, long maxPixels)
    {
        var shape = Shape().Match(header);
        if (!shape.Success)
            throw new ControlNetException($"{source} has no shape in its header.");
        var sizes = shape.Groups["shape"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(size => long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : -1).ToArray();
        var sides = sizes.Where(size => size != 1).ToArray();
        var (height, width) = sides.Length switch
        {
            0 => (1L, 1L),
            1 when sizes.Length >= 2 && sizes[^1] == 1 => (sides[0], 1L),
            1 => (1L, sides[0]),
            2 => (sides[0], sides[1]),
            _ =>
                throw new ControlNetException(
                    $"{source} has the shape ({string.Join(", ", sizes)}), expected two dimensions: rows and columns."),
        };
        if (width < 1 || height < 1 || width > maxPixels || height > maxPixels || width * height > maxPixels)
            throw new ControlNetException($"{source} claims {width}x{height} values, expected 1 to {maxPixels:N0}.");
        return ((int)width, (int)height);
    }

    private static int SizeOf(string type, string source) =>
        type.Length == 3 && type[1] is 'f' or 'i' or 'u' && "1248".Contains(type[2], StringComparison.Ordinal) && type[1..] != "f1"
        ? type[2] - '0'
        : throw new ControlNetException($"{source} holds '{type}', expected numbers: f2, f4, f8, or i or u with 1, 2, 4 or 8.");

    private static float Value(ReadOnlySpan<byte> bytes, string type)
    {
        // Numbers are read as little-endian; the bytes of big-endian ones are reversed first.
        Span<byte> value = stackalloc byte[8];
        bytes.CopyTo(value);
        value = value[..bytes.Length];
        if (type[0] == '>')
            value.Reverse();
        return type[1..] switch
        {
            "f2" => (float)BinaryPrimitives.ReadHalfLittleEndian(value),
            "f4" => BinaryPrimitives.ReadSingleLittleEndian(value),
            "f8" => (float)BinaryPrimitives.ReadDoubleLittleEndian(value),
            "i1" => (sbyte)value[0],
            "u1" => value[0],
            "i2" => BinaryPrimitives.ReadInt16LittleEndian(value),
            "u2" => BinaryPrimitives.ReadUInt16LittleEndian(value),
            "i4" => BinaryPrimitives.ReadInt32LittleEndian(value),
            "u4" => BinaryPrimitives.ReadUInt32LittleEndian(value),
            "i8" => BinaryPrimitives.ReadInt64LittleEndian(value),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(value),
        };
    }

    [GeneratedRegex(@"'descr'\s*:\s*'(?<type>[^']*)'")]
    private static partial Regex Descriptor();

    [GeneratedRegex(@"'fortran_order'\s*:\s*True")]
    private static partial Regex FortranOrder();

    [GeneratedRegex(@"'shape'\s*:\s*\((?<shape>[0-9, ]*)\)")]
    private static partial Regex Shape();
}

using System.Buffers.Binary;
using System.Text;

namespace ControlNet.ML.Fuzz;

/// <summary>Changes bytes: bits, cuts, repeats, pieces of other inputs, numbers at the ends of their ranges.</summary>
internal static class Mutator
{
    private const int LargestInput = 1 << 20;

    private static readonly long[] Extremes =
    [
        0, 1, -1, 2, 7, 8, 127, 128, 255, 256, 32_767, 32_768, 65_535, 65_536, 1 << 24, int.MaxValue, int.MinValue, 1L << 31, uint.MaxValue, 1L << 40, long.MaxValue, long.MinValue,
    ];

    private static readonly string[] Numbers =
    [
        "0", "-0", "-1", "1", "00", "1e999", "-1e999", "1e-999", "NaN", "Infinity", "-Infinity", "0.5", "255", "256", "65536", "2147483647", "2147483648", "4294967296",
        "9223372036854775807", "9223372036854775808", "18446744073709551616", "1e30", "0x10", "1_000", "\u0663", "",
    ];

    private static readonly string[] Texts =
    [
        "\0", "\n", "\r\n", "\u001b[2J", "\u202e", "\ud83d\ude00", "\"", "'", "\\", "/", "../", "..\\", "%s", "{", "}", "[", "]", "(", ")", ":", ",", ";", "\t", "\ufeff", "null", "true", "\u00e9", "e\u0301", "\u0130", "</w>", "PK\u0003\u0004",
    ];

    /// <summary>One change.</summary>
    /// <param name="input">The input, which stays as it is.</param>
    /// <param name="other">Another one, to take pieces of.</param>
    /// <param name="words">Texts that mean something.</param>
    /// <param name="random">Decides.</param>
    public static byte[] Change(byte[] input, byte[] other, IReadOnlyList<string> words, Random random)
    {
        if (input.Length == 0)
            return [.. other];
        var place = random.Next(input.Length);
        switch (random.Next(12))
        {
            case 0:
                return With(input, place, (byte)(input[place] ^ (1 << random.Next(8))));
            case 1:
                return With(input, place, (byte)random.Next(256));
            case 2:
                return With(input, place, (byte)Extremes[random.Next(Extremes.Length)]);
            case 3:
                return input[..place];
            case 4:
                return Splice(input, place, Math.Min(input.Length, place + 1 + random.Next(32)), []);
            case 5:
                return Splice(input, place, place, input[place..Math.Min(input.Length, place + 1 + random.Next(256))]);
            case 6 when other.Length > 0:
                var from = random.Next(other.Length);
                return Splice(input, place, Math.Min(input.Length, place + random.Next(64)), other[from..Math.Min(other.Length, from + 1 + random.Next(256))]);
            case 7:
                return Number(input, place, random);
            case 8:
                return Digits(input, place, random);
            case 9:
                return Splice(input, place, place, Encoding.UTF8.GetBytes(Texts[random.Next(Texts.Length)]));
            case 10 when words.Count > 0:
                return Splice(input, place, random.Next(2) == 0 ? place : Math.Min(input.Length, place + random.Next(16)), Encoding.UTF8.GetBytes(words[random.Next(words.Count)]));
            default:
                var changed = (byte[])input.Clone();
                random.NextBytes(changed.AsSpan(place, Math.Min(changed.Length - place, 1 + random.Next(8))));
                return changed;
        }
    }

    private static byte[] With(byte[] input, int place, byte value)
    {
        var changed = (byte[])input.Clone();
        changed[place] = value;
        return changed;
    }

    private static byte[] Splice(byte[] input, int from, int to, byte[] with) =>
        input.Length - (to - from) + with.Length > LargestInput ? input : [.. input.AsSpan(0, from), .. with, .. input.AsSpan(to)];

    /// <summary>A whole number of two, four or eight bytes, either end first.</summary>
    private static byte[] Number(byte[] input, int place, Random random)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(number, Extremes[random.Next(Extremes.Length)]);
        number = number[..(2 << random.Next(3))];
        if (random.Next(2) == 0)
            number.Reverse();
        var changed = (byte[])input.Clone();
        number[..Math.Min(number.Length, changed.Length - place)].CopyTo(changed.AsSpan(place));
        return changed;
    }

    /// <summary>The digits at or after a place become another number.</summary>
    private static byte[] Digits(byte[] input, int place, Random random)
    {
        var start = input.AsSpan(place).IndexOfAnyInRange((byte)'0', (byte)'9');
        if (start < 0)
            return With(input, place, (byte)'9');
        start += place;
        var length = input.AsSpan(start).IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        return Splice(input, start, length < 0 ? input.Length : start + length, Encoding.UTF8.GetBytes(Numbers[random.Next(Numbers.Length)]));
    }
}

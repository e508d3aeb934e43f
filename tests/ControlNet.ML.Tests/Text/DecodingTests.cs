using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Microsoft.ML.Tokenizers;

namespace ControlNet.ML.Tests.Text;

/// <summary>From ids to text, whole or as far as it fits.</summary>
public sealed class DecodingTests
{
    // Ends of words, parts of characters (🐯 is F0 9F 90 AF), white space (U+00A0 is C2 A0), and the pieces of an end-of-word suffix.
    private static readonly string[] Tokens =
        ["cat</w>", "dog", "\u00F0", "\u0141\u0132", "\u00AF", "\u00AF</w>", "\u00C2", "\u0142", "\u0120", "<", "/", "w", ">", "w>a", "<</w>", "</w>", "\u4E2D"];

    private static readonly ML.Text.ClipTokenizer Clip = Tokenizers.Tiny(Tokens, []).WithTokens("<cat>", " a b ");
    private static readonly Tokenizer Tokenizer = Clip;
    private static readonly string[] Added = ["<cat>", " a b "];

    [Property(MaxTest = 500)]
    public void Text_is_the_bytes_of_each_run_with_spaces_for_suffixes(byte[] numbers)
    {
        int[] ids = Ids(numbers);
        Assert.Equal(Plain(ids), Tokenizer.Decode(ids));
        Assert.Equal(Plain(ids), Clip.Decode(ids, skipSpecialTokens: false));
        int[] others = [.. ids.Where(id => id != Clip.BosTokenId && id != Clip.EosTokenId)];
        Assert.Equal(Plain(others), Clip.Decode(ids, skipSpecialTokens: true));
    }

    [Property(MaxTest = 500)]
    public void A_span_takes_the_text_of_as_many_ids_as_fit(byte[] numbers, byte length)
    {
        int[] ids = Ids(numbers);
        var text = Tokenizer.Decode(ids);
        var destination = new char[length % (text.Length + 2)];
        var status = Tokenizer.Decode(ids, destination, out var idsConsumed, out var charsWritten);

        Assert.Equal(text.Length <= destination.Length ? OperationStatus.Done : OperationStatus.DestinationTooSmall, status);
        Assert.Equal(status == OperationStatus.Done ? ids.Length : idsConsumed, idsConsumed);
        Assert.Equal(text[..charsWritten], new string(destination, 0, charsWritten));
        Assert.Equal(Tokenizer.Decode(ids.Take(idsConsumed)), text[..charsWritten]);
    }

    [Fact]
    public void A_text_can_be_decoded_in_steps()
    {
        Tokenizer tokenizer = Tokenizers.Clip;
        const string text = "a photo of an astronaut riding a tiger \U0001F42F on mars";
        var rest = tokenizer.EncodeToIds(text);
        var parts = new List<string>();
        var destination = new char[10];
        while (rest.Count > 0)
        {
            tokenizer.Decode(rest, destination, out var idsConsumed, out var charsWritten);
            Assert.InRange(idsConsumed, 1, rest.Count);
            parts.Add(new string(destination, 0, charsWritten));
            rest = [.. rest.Skip(idsConsumed)];
        }

        Assert.InRange(parts.Count, 5, 10);
        Assert.Equal(text, string.Join(' ', parts));
    }

    [Fact]
    public void An_id_that_is_not_in_the_vocabulary_is_invalid()
    {
        Assert.Equal(OperationStatus.InvalidData, Tokenizer.Decode([0, 1, 1000, 0], new char[20], out var idsConsumed, out var charsWritten));
        Assert.Equal((2, 7), (idsConsumed, charsWritten));
        Assert.Contains("1000", Assert.Throws<ArgumentException>(() => Tokenizer.Decode([1000])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Tokenizer.Decode(null!));
        Assert.Throws<ArgumentNullException>(() => Tokenizer.Decode(null!, [], out _, out _));
    }

    private static int[] Ids(byte[] numbers) => [.. numbers.Select(number => number % Clip.VocabularySize)];

    private static string Plain(int[] ids)
    {
        string[] names = [.. Tokens, "<|startoftext|>", "<|endoftext|>", .. Added];
        var parts = new List<string>();
        var run = new List<byte>();
        foreach (var id in ids)
        {
            if (!Added.Contains(names[id]))
            {
                ML.Text.ByteAlphabet.AppendBytes(names[id], run);
                continue;
            }

            EndRun();
            parts.Add(names[id]);
        }

        EndRun();
        return string.Join(' ', parts);

        void EndRun()
        {
            var text = Encoding.UTF8.GetString([.. run]).Replace("</w>", " ", StringComparison.Ordinal).Trim();
            run.Clear();
            if (text.Length > 0)
                parts.Add(text);
        }
    }
}

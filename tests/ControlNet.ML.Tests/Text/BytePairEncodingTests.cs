using ControlNet.ML.Text;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.ML.Tokenizers;

namespace ControlNet.ML.Tests.Text;

/// <summary>
/// The order of merges, and what keeps Microsoft.ML.Tokenizers' <see cref="BpeTokenizer"/> from taking over: the examples that
/// <see cref="BytePairEncoding"/> names.
/// </summary>
public sealed class BytePairEncodingTests
{
    private static readonly ClipTokenizerOptions FastRules = new() { Rules = ClipTextRules.Fast };
    private static readonly string[] Letters = ["a", "b", "c", "a</w>", "b</w>", "c</w>"];

    [Fact]
    public void The_package_gives_the_same_ids_for_clip_s_own_files()
    {
        using var vocabulary = File.OpenRead(Path.Combine(Tokenizers.ClipFolder, "vocab.json"));
        using var merges = File.OpenRead(Path.Combine(Tokenizers.ClipFolder, "merges.txt"));
        var package = BpeTokenizer.Create(
            vocabulary, merges, Tokenizers.Clip.PreTokenizer, Tokenizers.Clip.Normalizer, unknownToken: "<|endoftext|>", endOfWordSuffix: "</w>");
        foreach (var text in new[] { "a photo of an astronaut riding a horse on mars", "hyperrealistic, 8k, trending on artstation!!", "it's antidisestablishmentarianism" })
            Assert.Equal(Tokenizers.Clip.Encode(text), package.EncodeToIds(text));
    }

    [Fact]
    public void The_slow_order_takes_all_places_of_a_pair_first_and_the_package_does_not()
    {
        string[] merges = ["ab a", "a b"];
        string[] tokens = [.. Letters, "ab", "aba"];
        Assert.Equal(["ab", "ab", "c</w>"], Names(tokens, Tokenizers.Tiny(tokens, merges).Encode("ababc")));
        Assert.Equal(["aba", "b", "c</w>"], Names(tokens, Tokenizers.Tiny(tokens, merges, FastRules).Encode("ababc")));
        Assert.Equal(["aba", "b", "c</w>"], Names(tokens, Package(tokens, merges).EncodeToIds("ababc")));
    }

    // The slow reference merges tokens that have no id, and looks for ids afterwards.
    [Theory]
    [InlineData("a b", new[] { "<|endoftext|>", "c</w>" })]
    [InlineData("a b|ab c</w>|a b", new[] { "abc</w>" })]
    [InlineData("x y", new[] { "a", "b", "c</w>" })]
    public void Merges_of_missing_tokens_and_merges_listed_twice_are_read_and_the_package_refuses_them(string merges, string[] expected)
    {
        string[] tokens = [.. Letters, "abc</w>"];
        string[] list = merges.Split('|');
        Assert.Equal(expected, Names(tokens, Tokenizers.Tiny(tokens, list).Encode("abc")));
        Assert.ThrowsAny<Exception>(() => Package(tokens, list));
        Assert.ThrowsAny<ArgumentException>(() => Package([.. tokens, "ab"], ["a b", "a b"]));
    }

    // The package's order is that of the tokenizers library, which CLIPTokenizerFast runs on.
    [Property(MaxTest = 300)]
    public Property The_fast_order_is_the_package_s() => Prop.ForAll(MergesAndWord, input =>
    {
        var (merges, word) = input;
        string[] tokens = Tokens(merges);
        return Tokenizers.Tiny(tokens, merges, FastRules).Encode(word).SequenceEqual(Package(tokens, merges).EncodeToIds(word));
    });

    // The slow reference's own loop: of all pairs the one of the lowest rank, everywhere, from left to right.
    [Property(MaxTest = 300)]
    public Property The_slow_order_is_the_plain_loop_s() => Prop.ForAll(MergesAndWord, IsPlainLoop);

    [Property(MaxTest = 300)]
    public Property The_slow_order_is_the_plain_loop_s_for_any_file() => Prop.ForAll(AnyMergesAndWord, IsPlainLoop);

    // Merges of letters and of earlier merges, which most words then have, in any order.
    private static Arbitrary<(string[] Merges, string Word)> MergesAndWord
    {
        get
        {
            var word = Gen.NonEmptyListOf(Gen.Elements('a', 'b', 'c')).Select(letters => new string([.. letters]));
            var picks = Gen.ArrayOf(Gen.Zip(Gen.Choose(0, 999), Gen.Choose(0, 999)));
            var merges = picks.SelectMany(pairs => Gen.Shuffle(Grow(pairs)));
            return Arb.From(Gen.Zip(merges, word));
        }
    }

    // Of any parts, whether or not another merge makes them, and some listed twice.
    private static Arbitrary<(string[] Merges, string Word)> AnyMergesAndWord
    {
        get
        {
            var part = Gen.NonEmptyListOf(Gen.Elements('a', 'b', 'c')).Select(letters => new string([.. letters.Take(3)]));
            var merge = from left in part from right in part from end in Gen.Elements("", "</w>") select $"{left} {right}{end}";
            var word = Gen.NonEmptyListOf(Gen.Elements('a', 'b', 'c')).Select(letters => new string([.. letters]));
            return Arb.From(Gen.Zip(Gen.ArrayOf(merge), word));
        }
    }

    private static bool IsPlainLoop((string[] Merges, string Word) input)
    {
        var (merges, word) = input;
        string[] tokens = Tokens(merges);
        return Tokenizers.Tiny(tokens, merges).Encode(word).SequenceEqual(PlainLoop(merges, word).Select(token => Array.IndexOf(tokens, token)));
    }

    private static string[] Grow((int Left, int Right)[] picks)
    {
        List<string> tokens = [.. Letters];
        var merges = new List<string>();
        foreach (var (left, right) in picks)
        {
            var (first, second) = (tokens[left % tokens.Count], tokens[right % tokens.Count]);
            var merge = $"{first} {second}";
            if (first.EndsWith('>') || (first + second).Length > 12 || merges.Contains(merge))
                continue;
            merges.Add(merge);
            if (!tokens.Contains(first + second))
                tokens.Add(first + second);
        }

        return [.. merges];
    }

    private static string[] Tokens(string[] merges) =>
        [.. Letters.Concat(merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal))).Distinct()];

    private static IEnumerable<string> Names(string[] tokens, IReadOnlyList<int> ids) =>
        ids.Select(id => id < tokens.Length ? tokens[id] : id == tokens.Length + 1 ? "<|endoftext|>" : $"{id}");

    private static BpeTokenizer Package(string[] tokens, string[] merges) => BpeTokenizer.Create(
        new BpeOptions(tokens.Append("<|startoftext|>").Append("<|endoftext|>").Select((token, id) => KeyValuePair.Create(token, id)))
        {
            Merges = merges,
            UnknownToken = "<|endoftext|>",
            EndOfWordSuffix = "</w>",
        });

    private static List<string> PlainLoop(string[] merges, string word)
    {
        List<string> parts = [.. word.Select(letter => letter.ToString())];
        parts[^1] += "</w>";
        while (true)
        {
            var best = Enumerable.Range(0, parts.Count - 1).Select(i => Array.LastIndexOf(merges, $"{parts[i]} {parts[i + 1]}"))
                .Where(rank => rank >= 0).DefaultIfEmpty(-1).Min();
            if (best < 0)
                return parts;
            var pair = merges[best].Split(' ');
            for (var i = 0; i < parts.Count - 1; i++)
            {
                if (parts[i] != pair[0] || parts[i + 1] != pair[1])
                    continue;
                parts[i] += parts[i + 1];
                parts.RemoveAt(i + 1);
            }
        }
    }
}

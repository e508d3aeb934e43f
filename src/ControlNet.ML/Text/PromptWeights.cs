using System.Buffers;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Text;

/// <summary>A part of a prompt with its weight.</summary>
/// <param name="Text">The part, without the brackets that give the weight.</param>
/// <param name="Weight">The weight; 1 leaves the part as it is.</param>
public sealed record WeightedText(string Text, double Weight);

/// <summary>
/// The common notation for weights in prompts: <c>(a)</c> multiplies by 1.1, <c>[a]</c> divides by 1.1, <c>(a:1.3)</c> multiplies by 1.3;
/// nested ones multiply, <c>\( \) \[ \] \\</c> are plain text.
/// </summary>
/// <remarks>
/// An unclosed bracket holds to the end, an unopened closing one is text; round and square brackets are matched independently of
/// each other. A number has an optional sign, digits and an optional point; anything else after a colon is text, and so is a
/// number before <c>]</c> or outside <c>( )</c>.
/// </remarks>
public static class PromptWeights
{
    private const double Step = 1.1;

    /// <summary>
    /// The parts of a prompt in order; neighbours of equal weight are one part. A prompt without text gives one empty part of weight 1.
    /// </summary>
    /// <param name="prompt">The prompt.</param>
    /// <returns>At least one part.</returns>
    /// <exception cref="ControlNetException">A weight is too large for a number.</exception>
    public static IReadOnlyList<WeightedText> Parse(string prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var parser = new Parser();
        for (var position = 0; position < prompt.Length;)
            position += parser.Take(prompt.AsSpan(position));
        return parser.Finish();
    }

    private sealed class Parser
    {
        private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("+-.0123456789");

        private readonly List<string> _texts = [];
        private readonly List<double> _weights = [];
        private readonly Stack<int> _round = new();
        private readonly Stack<int> _square = new();
        private readonly StringBuilder _text = new();

        /// <summary>Reads the next piece of the prompt and gives its length.</summary>
        public int Take(ReadOnlySpan<char> rest)
        {
            switch (rest[0])
            {
                case '\\' when rest.Length > 1 && rest[1] is '(' or ')' or '[' or ']' or '\\':
                    _text.Append(rest[1]);
                    return 2;
                case '(':
                    Open(_round);
                    return 1;
                case '[':
                    Open(_square);
                    return 1;
                case ')' when _round.Count > 0:
                    Close(_round, Step);
                    return 1;
                case ']' when _square.Count > 0:
                    Close(_square, 1 / Step);
                    return 1;
                case ':' when _round.Count > 0 && TryReadWeight(rest, out var weight, out var length):
                    Close(_round, weight);
                    return length;
                default:
                    _text.Append(rest[0]);
                    return 1;
            }
        }

        public List<WeightedText> Finish()
        {
            EndPart();
            while (_round.Count > 0)
                Close(_round, Step);
            while (_square.Count > 0)
                Close(_square, 1 / Step);

            var parts = new List<WeightedText>();
            for (var first = 0; first < _texts.Count;)
            {
                var end = first + 1;
                while (end < _texts.Count && _weights[end] == _weights[first])
                    end++;
                var text = string.Concat(_texts[first..end]);
                if (!double.IsFinite(_weights[first]))
                    throw new ControlNetException($"The weight of '{(text.Length <= 40 ? text : text[..40] + "…")}' in the prompt is "
                        + $"beyond all numbers, expected a finite one.");
                parts.Add(new WeightedText(text, _weights[first]));
                first = end;
            }

            return parts.Count > 0 ? parts : [new WeightedText("", 1)];
        }

        private void Open(Stack<int> brackets)
        {
            EndPart();
            brackets.Push(_texts.Count);
        }

        private void Close(Stack<int> brackets, double factor)
        {
            EndPart();
            var inside = CollectionsMarshal.AsSpan(_weights)[brackets.Pop()..];
            TensorPrimitives.Multiply(inside, factor, inside);
        }

        private void EndPart()
        {
            if (_text.Length == 0)
                return;
            _texts.Add(_text.ToString());
            _weights.Add(1);
            _text.Clear();
        }

        // ':' white space, a number, white space, ')'.
        private static bool TryReadWeight(ReadOnlySpan<char> rest, out double weight, out int length)
        {
            var number = rest[1..].TrimStart();
            var digits = number.IndexOfAnyExcept(NumberCharacters);
            var after = digits < 0 ? default : number[digits..].TrimStart();
            (weight, length) = (0, rest.Length - after.Length + 1);
            return after is [')', ..]
                && double.TryParse(
                    number[..digits],
                    NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out weight);
        }
    }
}

using System.Buffers;
using System.Globalization;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Text;

namespace ControlNet.ML.Text;

/// <summary>A part of a prompt with its weight.</summary>
/// <param name="Text">The part, without the brackets that give the weight.</param>
/// <param name="Weight">The weight; 1 leaves the part as it is.</param>
public sealed record WeightedText(string Text, double Weight)
{
    /// <summary>Whether <c>BREAK</c> follows: the window ends after this part, and the next part begins another.</summary>
    public bool EndsWindow { get; init; }
}

/// <summary>
/// The common notation for weights in prompts: <c>(a)</c> multiplies by 1.1, <c>[a]</c> divides by 1.1, <c>(a:1.3)</c> multiplies by 1.3;
/// nested ones multiply, <c>\( \) \[ \] \\</c> are plain text. <c>BREAK</c>, a word of its own, ends the window.
/// </summary>
/// <remarks>
/// An unclosed bracket holds to the end, an unopened closing one is text; round and square brackets are matched independently of
/// each other. A number has an optional sign, digits and an optional point; anything else after a colon is text, and so is a
/// number before <c>]</c> or outside <c>( )</c>. <c>BREAK</c> is in upper case, with neither a letter, a digit nor a low line beside it,
/// and may stand inside brackets; CLIP's tokens have no case, so <c>break</c> says the word.
/// </remarks>
public static class PromptWeights
{
    private const double Step = 1.1;
    private const string WindowEnd = "BREAK";

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
            position += parser.Take(prompt, position);
        return parser.Finish();
    }

    private sealed class Parser
    {
        private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("+-.0123456789");

        private readonly List<string> _texts = [];
        private readonly List<double> _weights = [];
        private readonly HashSet<int> _windowEnds = [];
        private readonly Stack<int> _round = new();
        private readonly Stack<int> _square = new();
        private readonly StringBuilder _text = new();

        /// <summary>Reads the next piece of the prompt and gives its length.</summary>
        public int Take(string prompt, int position)
        {
            var rest = prompt.AsSpan(position);
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
                case 'B' when rest.StartsWith(WindowEnd, StringComparison.Ordinal) && IsWord(prompt, position, WindowEnd.Length):
                    EndWindow();
                    return WindowEnd.Length;
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
                while (end < _texts.Count && _weights[end] == _weights[first] && !_windowEnds.Contains(end - 1))
                    end++;
                var text = string.Concat(_texts[first..end]);
                if (!double.IsFinite(_weights[first]))
                    throw new ControlNetException($"The weight of '{(text.Length <= 40 ? text : text[..40] + "…")}' in the prompt is "
                        + $"beyond all numbers, expected a finite one.");
                parts.Add(new WeightedText(text, _weights[first]) { EndsWindow = _windowEnds.Contains(end - 1) });
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
            if (_text.Length > 0)
                AddPart();
        }

        // A part even without text, so that it has a place inside the brackets.
        private void EndWindow()
        {
            _windowEnds.Add(_texts.Count);
            AddPart();
        }

        private void AddPart()
        {
            _texts.Add(_text.ToString());
            _weights.Add(1);
            _text.Clear();
        }

        private static bool IsWord(string prompt, int start, int length) =>
            !IsWordCharacter(prompt, start - 1) && !IsWordCharacter(prompt, start + length);

        private static bool IsWordCharacter(string prompt, int place) =>
            place >= 0 && place < prompt.Length && (char.IsLetterOrDigit(prompt, place) || prompt[place] == '_');

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

namespace ControlNet.ML.Text;

/// <summary>A token of a text and where it stands.</summary>
/// <param name="Id">The token's id.</param>
/// <param name="Start">
/// Its first character, in UTF-16 code units. A character whose bytes fall into several tokens belongs to each of them.
/// </param>
/// <param name="End">The place after its last character.</param>
/// <param name="EndsWord">Whether a word ends here, so that the text up to <paramref name="End"/> has the same tokens on its own.</param>
internal readonly record struct TextPiece(int Id, int Start, int End, bool EndsWord);

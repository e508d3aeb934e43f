namespace ControlNet.ML.Components;

/// <summary>A row that failed in an earlier component, with the reason given there.</summary>
internal sealed class EarlierFailure(string reason) : Exception(reason);

namespace ControlNet.ML.Cli;

/// <summary>Named objects that are disposed together.</summary>
internal sealed class Disposables<T> : IDisposable
    where T : IDisposable
{
    private readonly Dictionary<string, T> _items = [];

    public IReadOnlyCollection<T> Values => _items.Values;

    public T this[string name] => _items[name];

    public void Add(string name, T item) => _items.Add(name, item);

    public void Dispose()
    {
        foreach (var item in _items.Values)
            item.Dispose();
    }
}

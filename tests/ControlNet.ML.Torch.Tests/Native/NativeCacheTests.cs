using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Tests.Native;

public sealed class NativeCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_content_is_placed_once_and_found_again()
    {
        byte[] content = [1, 2, 3];
        var path = NativeCache.Place("lib.so", content, [_folder]);
        var written = File.GetLastWriteTimeUtc(path);

        Assert.Equal(content, File.ReadAllBytes(path));
        Assert.Equal(path, NativeCache.Place("lib.so", content, [_folder]));
        Assert.Equal(written, File.GetLastWriteTimeUtc(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
    }

    [Fact]
    public void Other_content_gets_a_place_of_its_own() =>
        Assert.NotEqual(NativeCache.Place("lib.so", [1], [_folder]), NativeCache.Place("lib.so", [2], [_folder]));

    [Fact]
    public void A_file_that_was_tampered_with_is_replaced()
    {
        var path = NativeCache.Place("lib.so", [1, 2, 3], [_folder]);
        File.WriteAllBytes(path, [6, 6, 6]);

        Assert.Equal([1, 2, 3], File.ReadAllBytes(NativeCache.Place("lib.so", [1, 2, 3], [_folder])));
    }

    [Fact]
    public void The_next_folder_is_taken_when_the_first_cannot_be_written()
    {
        var file = Path.Combine(_folder, "no-folder");
        File.WriteAllText(file, "");

        Assert.StartsWith(_folder, NativeCache.Place("lib.so", [1], [Path.Combine(file, "x"), _folder]));
    }

    [Fact]
    public void Without_any_place_the_error_names_them_all()
    {
        var file = Path.Combine(_folder, "no-folder");
        File.WriteAllText(file, "");

        var error = Assert.Throws<ControlNetException>(() => NativeCache.Place("lib.so", [1], [Path.Combine(file, "x"), Path.Combine(file, "y")]));
        Assert.Contains(Path.Combine(file, "x"), error.Message);
        Assert.Contains(Path.Combine(file, "y"), error.Message);
    }

    [Fact]
    public async Task Many_at_once_all_find_the_whole_file()
    {
        var content = new byte[200_000];
        Random.Shared.NextBytes(content);
        var paths = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => NativeCache.Place("lib.so", content, [_folder]))));

        Assert.All(paths, path => Assert.Equal(content, File.ReadAllBytes(path)));
    }
}

using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Hub;

/// <summary>Which files of a repository are fetched.</summary>
public sealed class HubPlanTests : HubTestBase
{
    private static readonly byte[] Weights = new byte[2000];

    [Fact]
    public async Task Of_a_model_only_its_own_files_are_fetched()
    {
        AddModel("");
        foreach (var other in new[] { "README.md", "v1-5.safetensors", "safety_checker/config.json", "safety_checker/model.safetensors", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16.safetensors", "unet/diffusion_flax_model.msgpack", "unet/diffusion_pytorch_model.safetensors.index.fp16.json" })
            Server.Add(other, Weights);
        var folder = await DownloadAsync();
        Assert.Equal(Names(Fixtures.Path("models", "sd1")), Names(folder));
        ModelFolder.Open(folder).CheckWeights();
    }

    [Fact]
    public async Task Of_a_variant_the_parts_that_have_it_are_fetched_and_of_the_others_the_plain_files()
    {
        AddModel("");
        Server.Add("unet/diffusion_pytorch_model.fp16.safetensors", File.ReadAllBytes(Fixtures.Path("models", "sd1", "unet", "diffusion_pytorch_model.safetensors")));
        var options = Load with { Variant = "fp16" };
        var folder = await DownloadAsync(options: options);
        Assert.Equal(["config.json", "diffusion_pytorch_model.fp16.safetensors"], Names(Path.Combine(folder, "unet")));
        Assert.Equal(["config.json", "diffusion_pytorch_model.safetensors"], Names(Path.Combine(folder, "vae")));

        // That the other parts lack the variant is remembered; the plain UNet is another question.
        var before = Server.Requests.Count;
        Assert.Equal(folder, ModelNames.FindModel(Id, options, Cancel));
        Assert.Equal(before, Server.Requests.Count);
        ModelNames.FindModel(Id, Load, Cancel);
        Assert.Equal(3, Names(Path.Combine(folder, "unet")).Length);
    }

    [Fact]
    public async Task A_variant_that_no_part_has_is_refused_before_anything_is_fetched()
    {
        AddModel("");
        Assert.Contains("No part has weights of the variant 'fp16'; there are plain files", await FailureAsync(options: Load with { Variant = "fp16" }), StringComparison.Ordinal);
        Assert.Empty(RequestsOf("storage"));
    }

    [Fact]
    public async Task Parts_that_are_not_loaded_are_not_fetched()
    {
        AddModel("");
        var folder = await DownloadAsync(options: Load with { Parts = ModelParts.UNet });
        Assert.Equal(["config.json"], Names(Path.Combine(folder, "vae")));
        Assert.False(Directory.Exists(Path.Combine(folder, "tokenizer")));
        ModelFolder.Open(folder, null, ModelParts.UNet);
        Assert.Null(ModelHub.FindCached(Id, Load));
        await DownloadAsync();
        Assert.NotNull(ModelHub.FindCached(Id, Load));
    }

    [Fact]
    public async Task Shards_are_those_that_the_index_names()
    {
        const string name = "diffusion_pytorch_model";
        Server.Add("config.json", "{}");
        Server.Add($"{name}.safetensors.index.json", $$"""{ "weight_map": { "a": "{{name}}-00001-of-00002.safetensors", "b": "{{name}}-00002-of-00002.safetensors" } }""");
        foreach (var shard in new[] { "00001-of-00002", "00002-of-00002", "00001-of-00003" })
            Server.Add($"{name}-{shard}.safetensors", Weights);
        var folder = await DownloadAsync();
        Assert.Equal(["config.json", $"{name}-00001-of-00002.safetensors", $"{name}-00002-of-00002.safetensors", $"{name}.safetensors.index.json"], Names(folder));
        Assert.Equal(folder, ModelHub.FindCached(Id, Load));
        File.Delete(Path.Combine(folder, $"{name}-00002-of-00002.safetensors"));
        Assert.Null(ModelHub.FindCached(Id, Load));
    }

    [Fact]
    public async Task A_subfolder_is_a_model_or_a_network_of_its_own()
    {
        AddModel("small/");
        Server.Add("other/config.json", "{}");
        Server.Add("other/diffusion_pytorch_model.safetensors", Weights);
        ModelFolder.Open(await DownloadAsync($"{Id}:small")).CheckWeights();
        Assert.Equal(["config.json", "diffusion_pytorch_model.safetensors"], Names(await DownloadAsync($"{Id}:other")));
        Assert.Contains("has no folder 'none' with files of a model; its folders are ", await FailureAsync($"{Id}:none"), StringComparison.Ordinal);
        Assert.Contains("name one, as 'someone/some-model:", await FailureAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_single_file_is_found_and_of_several_one_has_to_be_named()
    {
        Server.Add("canny.safetensors", Weights);
        Server.Add("canny.json", "{}");
        Server.Add("README.md", "x");
        var file = await DownloadAsync();
        Assert.Equal("canny.safetensors", Path.GetFileName(file));
        Assert.Equal(["canny.json", "canny.safetensors"], Names(Path.GetDirectoryName(file)!));

        var before = Server.Requests.Count;
        Assert.Equal(file, ModelNames.FindControl(Id, Load, Cancel));
        Assert.Equal(before, Server.Requests.Count);

        Server.CommitNow = new string('b', 40);
        Server.Add("depth.safetensors", [.. Weights, 1]);
        Assert.Contains("several files of weights: 'canny.safetensors', 'depth.safetensors'. Name one of them, as 'someone/some-model:canny.safetensors'", await FailureAsync(), StringComparison.Ordinal);
        Assert.Equal("depth.safetensors", Path.GetFileName(await DownloadAsync($"{Id}:depth.safetensors")));

        // That the cache has one of them does not make it the one that is meant.
        Assert.Null(ModelHub.FindCached($"{Id}@{Server.CommitNow}", Load));
        Assert.Contains("has no file 'dept.safetensors'. Did you mean 'depth.safetensors'?", await FailureAsync($"{Id}:dept.safetensors"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pickles_are_fetched_only_where_there_are_no_safetensors()
    {
        Server.Add("config.json", "{}");
        Server.Add("diffusion_pytorch_model.bin", Weights);
        Assert.Equal(["config.json", "diffusion_pytorch_model.bin"], Names(await DownloadAsync()));

        Server.CommitNow = new string('b', 40);
        Server.Add("diffusion_pytorch_model.safetensors", [.. Weights, 1]);
        Assert.Equal(["config.json", "diffusion_pytorch_model.safetensors"], Names(await DownloadAsync()));

        Server.CommitNow = new string('c', 40);
        Server.Add("old/control_sd15_canny.pth", [.. Weights, 2]);
        Assert.Equal("control_sd15_canny.pth", Path.GetFileName(await DownloadAsync($"{Id}:old")));
        Assert.Equal("control_sd15_canny.pth", Path.GetFileName(await DownloadAsync($"{Id}:old/control_sd15_canny.pth")));
    }

    [Fact]
    public void A_model_is_not_taken_for_a_control_network_nor_the_other_way_round()
    {
        AddModel("");
        Assert.Contains("is a model, expected a control network", Assert.Throws<ControlNetException>(() => ModelNames.FindControl(Id, Load, Cancel)).Message, StringComparison.Ordinal);
        Server.Add("net/config.json", "{}");
        Server.Add("net/diffusion_pytorch_model.safetensors", Weights);
        Assert.Contains("is a control network, expected a model", Assert.Throws<ControlNetException>(() => ModelNames.FindModel($"{Id}:net", Load, Cancel)).Message, StringComparison.Ordinal);
        Assert.Empty(RequestsOf("storage"));
    }

    [Fact]
    public void A_name_may_also_be_a_mistyped_path_or_embedded_name()
    {
        var message = Assert.Throws<ControlNetException>(() => ModelNames.FindModel("models/none", Load, Cancel)).Message;
        Assert.StartsWith("No model 'models/none' here, and on the hub: 127.0.0.1 has no repository 'models/none'", message, StringComparison.Ordinal);
        var before = Server.Requests.Count;
        Assert.StartsWith("No model './none': expected", Assert.Throws<ControlNetException>(() => ModelNames.FindModel("./none", Load, Cancel)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Server.Requests.Count);
    }

    private void AddModel(string prefix)
    {
        Assert.SkipUnless(Fixtures.Has("models", "sd1"), $"No models/sd1 in {Fixtures.Root}.");
        Server.AddFolder(Fixtures.Path("models", "sd1"), prefix);
    }

    private static string[] Names(string folder) =>
        [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal)];
}

using System.Text;
using ControlNet.ML.Hub;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>What the hub answers, and the names of its models.</summary>
internal static class HubTargets
{
    private const string Listing = """
        { "id": "a/b", "sha": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "siblings": [
        { "rfilename": "model_index.json" }, { "rfilename": "unet/config.json" }, { "rfilename": "unet/diffusion_pytorch_model.fp16.safetensors" },
        { "rfilename": "unet/diffusion_pytorch_model.safetensors.index.json" }, { "rfilename": "tokenizer/vocab.json" }, { "rfilename": "canny.safetensors" } ] }
        """;

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All()
    {
        var index = Workplace.Fixture("models", "sd1", "model_index.json");
        yield return new Reader("hub-listing", [Encoding.UTF8.GetBytes(Listing)], input =>
        {
            var listing = HubClient.Listing(input, "the answer");
            foreach (var id in new[] { "a/b", "a/b:unet", "a/b:canny.safetensors" })
            {
                try
                {
                    var plan = HubPlan.MakeAsync(HubId.Parse(id), listing.Files, new LoadOptions(), _ => Task.FromResult(index)).GetAwaiter().GetResult();
                    if (plan.Files.FirstOrDefault(file => !listing.Files.Contains(file) || file.Split('/').Contains("..")) is { } other)
                        throw new InvalidOperationException($"The plan has {other}, which the repository does not have.");
                }
                catch (ControlNetException)
                {
                    // Another id may fit.
                }
            }
        })
        { IsJson = true, Words = ["sha", "siblings", "rfilename", "../", "..\\", "config.json", "diffusion_pytorch_model", ".safetensors", "-00001-of-00002"] };

        yield return new Reader("hub-id", [.. new[] { "a/b", "owner/some-model@refs/pr/1:unet/x.safetensors" }.Select(Encoding.UTF8.GetBytes)], input =>
        {
            if (HubId.TryParse(Encoding.UTF8.GetString(input), out var id) && (HubId.Parse(id.ToString()) != id || $"{id.Revision}/{id.Path}".Split('/').Contains("..")))
                throw new InvalidOperationException($"{id} is read as another id, or leads elsewhere.");
        })
        { Words = ["@", ":", "/", "..", "--", ".git", "\\", "\0", "main"] };
    }
}

using System.Text;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>Training's rows and what a run leaves for the next.</summary>
internal static class TrainingTargets
{
    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        byte[] rows = Encoding.UTF8.GetBytes("{\"file_name\": \"a.png\", \"conditioning_image\": \"b.png\", \"text\": \"x\"}\n{\"file_name\": \"b.png\", \"conditioning_image\": \"a.png\", \"text\": \"\u00e9\"}\n");
        folder.Write("data/a.png", [1]);
        folder.Write("data/b.png", [1]);
        yield return new Reader("metadata-rows", [rows], input =>
        {
            folder.Write("data/metadata.jsonl", input);
            TrainingTable.Open(folder.At("data"));
        })
        { Words = ["file_name", "conditioning_image", "text", "\n", "\\ud800", "\\u0000", "../", "/dev/zero"] };
        yield return new Reader("metadata-row", ["{\"file_name\": \"a.png\", \"conditioning_image\": \"b.png\", \"text\": \"x\"}"u8.ToArray()], input =>
        {
            folder.Write("data/metadata.jsonl", input);
            TrainingTable.Open(folder.At("data"));
        })
        { IsJson = true };

        byte[] log = Encoding.UTF8.GetBytes("{\"step\":1,\"loss\":0.5,\"rate\":0.001}\n{\"step\":2,\"loss\":0.25,\"validation_loss\":0.5,\"exchanged_loss\":0.6,\"gap\":0.1}\n{\"step\":3,\"lo");
        folder.Write("run/run.json", "{}"u8);
        yield return new Reader("training-log", [log], input =>
        {
            folder.Write("run/log.jsonl", input);
            _ = TrainingHistory.Read(folder.At("run")).Convergence.Count;
        })
        { Words = ["\"step\":", "\"loss\":", "\n", "1e999"] };

        var record = new Dictionary<string, string> { ["data"] = "00", ["model"] = "11", ["Steps"] = "any" };
        yield return new Reader("training-record", ["{\"data\": \"00\", \"model\": \"11\", \"Steps\": \"any\"}"u8.ToArray()], input =>
        {
            folder.Write("other-run/run.json", input);
            TrainingFolder.Open(folder.At("other-run"), record).Dispose();
        })
        { IsJson = true };
    }
}

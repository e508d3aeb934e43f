using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Components;

/// <summary>
/// A scheduler's configuration in a saved model: the text of its scheduler_config.json, in a string since JSON itself has no Infinity.
/// </summary>
internal sealed class SchedulerConfigConverter : JsonConverter<SchedulerConfig>
{
    /// <inheritdoc/>
    public override SchedulerConfig Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException("expected a scheduler's configuration as a string.");
        try
        {
            return SchedulerConfig.Parse(Encoding.UTF8.GetBytes(reader.GetString()!), "the saved scheduler");
        }
        catch (ControlNetException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, SchedulerConfig value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.ToJson());
}

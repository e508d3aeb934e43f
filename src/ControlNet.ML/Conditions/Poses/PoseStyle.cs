namespace ControlNet.ML.Conditions;

/// <summary>
/// Which annotator's drawing is followed. A limb alone on black looks alike in all three; they differ where limbs, points or figures
/// overlap. The one that the network was trained with serves it best.
/// </summary>
public enum PoseStyle
{
    /// <summary>The first ControlNet's: points below, then limb by limb, each blended 0.6 over what is there, so that points shine through; hands and faces as in <see cref="V11"/>.</summary>
    Original,

    /// <summary>ControlNet 1.1's and DWPose's: the limbs of all people, dimmed to 0.6, then everybody's points on top, then all hands, then all faces.</summary>
    V11,

    /// <summary>controlnet_aux's: person by person, dimmed limbs, points, hands and face, so that a later figure covers an earlier one.</summary>
    Aux,
}

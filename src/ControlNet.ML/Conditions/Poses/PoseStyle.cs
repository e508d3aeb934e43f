namespace ControlNet.ML.Conditions;

/// <summary>
/// The annotator whose drawing is reproduced. A single limb on black looks the same in all three; they differ where limbs, keypoints or
/// people overlap. Use the one that the network was trained with.
/// </summary>
public enum PoseStyle
{
    /// <summary>
    /// The original ControlNet's: keypoints first, then limb by limb, each blended at 0.6 with the canvas, so that keypoints show through;
    /// hands and faces as in <see cref="V11"/>.
    /// </summary>
    Original,

    /// <summary>
    /// ControlNet 1.1's and DWPose's: the limbs of all people, dimmed to 0.6, then the keypoints of all people, then all hands, then all
    /// faces.
    /// </summary>
    V11,

    /// <summary>
    /// controlnet_aux's: person by person, dimmed limbs, keypoints, hands and face, so that a later person covers an earlier one.
    /// </summary>
    Aux,
}

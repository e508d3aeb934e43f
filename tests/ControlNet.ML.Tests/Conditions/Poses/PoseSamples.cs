using ControlNet.ML.Conditions;
using FsCheck;
using FsCheck.Fluent;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>Random people for properties: points in the image and outside, some missing, with and without hands and faces.</summary>
public static class PoseSamples
{
    /// <summary>Coordinates hold 20 bits behind the point, so that times an image's side they are exact.</summary>
    public static Arbitrary<PosePerson> People()
    {
        var coordinate = Gen.Frequency((6, Gen.Choose(0, 1 << 20)), (1, Gen.Choose(-1 << 22, 1 << 22)), (1, Gen.Elements(0, 1, 1 << 20))).Select(n => n / (double)(1 << 20));
        var point = from x in coordinate from y in coordinate from score in Gen.Choose(1, 100) select (PosePoint?)new PosePoint(x, y, score / 100.0);
        var maybe = Gen.Frequency((4, point), (1, Gen.Constant((PosePoint?)null)));
        return Arb.From(
            from body in maybe.ListOf(18)
            from left in Optional(maybe.ListOf(21))
            from right in Optional(maybe.ListOf(21))
            from face in Optional(Gen.OneOf(maybe.ListOf(68), maybe.ListOf(70)))
            select new PosePerson { Body = [.. body], LeftHand = left?.ToArray(), RightHand = right?.ToArray(), Face = face?.ToArray() });
    }

    private static Gen<List<PosePoint?>?> Optional(Gen<List<PosePoint?>> points) =>
        Gen.Frequency((2, points.Select(list => (List<PosePoint?>?)list)), (1, Gen.Constant((List<PosePoint?>?)null)));
}

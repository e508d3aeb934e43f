using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>
/// Operations with a scalar, and sums, which contain a hidden one: x + y is x + 1 · y. TorchSharp 0.107 passes a scalar's native address to
/// libtorch without keeping the object alive, so that a temporary one (<c>x * 0.5</c>, <c>x + y</c>) may be collected while libtorch still
/// reads it: rarely, after thousands of calls, that ends in "Expected false to be true, but got false". Here it is kept alive until the
/// call returns. Nothing else in this assembly creates or passes scalars, which a test checks.
/// </summary>
internal static class Scalars
{
    private static readonly Scalar One = 1;

    /// <summary>x + y.</summary>
    public static Tensor Plus(this Tensor tensor, Tensor other) => tensor.add(other, One);

    /// <summary>x + y, in place.</summary>
    public static Tensor PlusInPlace(this Tensor tensor, Tensor other) => tensor.add_(other, One);

    /// <summary>x · factor.</summary>
    public static Tensor Times(this Tensor tensor, double factor)
    {
        using Scalar scalar = factor;
        return tensor.mul(scalar);
    }

    /// <summary>x · factor, in place.</summary>
    public static Tensor TimesInPlace(this Tensor tensor, double factor)
    {
        using Scalar scalar = factor;
        return tensor.mul_(scalar);
    }

    /// <summary>x + term, in place.</summary>
    public static Tensor PlusInPlace(this Tensor tensor, double term)
    {
        using Scalar scalar = term;
        return tensor.add_(scalar, One);
    }

    /// <summary>x + term.</summary>
    public static Tensor Plus(this Tensor tensor, double term)
    {
        using Scalar scalar = term;
        return tensor.add(scalar, One);
    }

    /// <summary>x / divisor, in place.</summary>
    public static Tensor OverInPlace(this Tensor tensor, double divisor)
    {
        using Scalar scalar = divisor;
        return tensor.div_(scalar);
    }

    /// <summary>x clamped to two bounds.</summary>
    public static Tensor Between(this Tensor tensor, double low, double high)
    {
        using Scalar least = low;
        using Scalar most = high;
        return tensor.clamp(least, most);
    }

    /// <summary>x + factor · a · b, in place.</summary>
    public static Tensor PlusProductInPlace(this Tensor tensor, Tensor a, Tensor b, double factor)
    {
        using Scalar scalar = factor;
        return tensor.addcmul_(a, b, scalar);
    }

    /// <summary>x + factor · a / b, in place.</summary>
    public static Tensor PlusQuotientInPlace(this Tensor tensor, Tensor a, Tensor b, double factor)
    {
        using Scalar scalar = factor;
        return tensor.addcdiv_(a, b, scalar);
    }

    /// <summary>x².</summary>
    public static Tensor Squared(this Tensor tensor)
    {
        using Scalar two = 2;
        return tensor.pow(two);
    }

    /// <summary>Whether x equals a value, elementwise.</summary>
    public static Tensor EqualTo(this Tensor tensor, long value)
    {
        using Scalar scalar = value;
        return tensor.eq(scalar);
    }

    /// <summary>Fills with a value.</summary>
    public static Tensor FillInPlace(this Tensor tensor, double value)
    {
        using Scalar scalar = value;
        return tensor.fill_(scalar);
    }
}

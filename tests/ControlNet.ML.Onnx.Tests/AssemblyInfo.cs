// ONNX Runtime uses every core by itself.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
[assembly: AssemblyFixture(typeof(ControlNet.ML.Onnx.Tests.Backend.PipelineModels))]

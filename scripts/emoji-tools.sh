# Sourced by the scripts that train or study the embedded model: builds its tools and sets 'emoji' and 'tool' to them. The current folder is
# the repository's.

# One thread: the networks are so small that more threads mostly wait for each other.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
dotnet build -c Release -v quiet training/emoji
dotnet build -c Release -v quiet src/ControlNet.ML.Cli
emoji=$(find training/emoji/bin/Release -name emoji-training -type f | head -n 1)
tool=$(find src/ControlNet.ML.Cli/bin/Release -name controlnet -type f | head -n 1)

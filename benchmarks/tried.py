"""What was tried where a figure is not reached: printed beside it in the first table while it is missed."""

TRIED: dict[str, str] = {
    "geometric mean over cases and directions outside loops, to the better lax layout": (
        "in a third of the cells lax is less than a third slower, and in half of these it is the same"
        " program: a single sample, 8x8 images, one dimension, float64, few channels. Dense layers of many"
        " samples by Eigen instead of YNNPACK: 1.1 to 2.3 times as fast, their kernel adjoints up to 3;"
        " transposed ones by phases: 1.4 to 4. Winograd with 2 x 2 outputs, patches and one product, one"
        " product per row of the kernel: 1.1 to 1.7 times as long"
    ),
    "geometric mean over steps in scan, to lax NHWC": (
        "all three directions of a dense layer are canonical convolutions there, whose time is that of"
        " XLA's fast kernel on small images. With scans of two iterations, as it was measured before, 11 to"
        " 13.0 were seen; with four 13.4 to 15.6"
    ),
    "geometric mean over steps in scan, to the better lax layout": (
        "one-channel layers, where XLA's naive loop over lax's NCHW is not slow, hold it down. With scans"
        " of two iterations, as it was measured before, 7.0 to 8.0 were seen; with four 8.1 to 9.3"
    ),
    "4 groups, 56x56, 64 to 64, k3: step": (
        "it would be 16 ms, and forward pass and input adjoint, four convolutions each, are 17 by"
        " themselves. Their outputs or windows side by side as channels: 3 to 5 times as long. The kernel"
        " adjoint sample by sample as one batched product for all groups: 1.4 times as fast in it; a loop"
        " over groups, one product for two or four groups together, products per tap, rows side by side"
        " (three times as fast for one sample, not for eight): no faster. Two groups as one dense"
        " convolution, or sums of shifted copies, which win up to 8 channels a group: slower with 16"
    ),
    "3-D 32x32x32, 16 to 16, k3: step": (
        "results widened instead of windows (twice as fast), the kernel widened and summed slice by slice"
        " (1.8 times as fast); blocks of two and four slices: slower; ratios from 4.6 to 6.3 were seen"
    ),
    "1024x1024, 1 to 1, k3: forward": (
        "one pass without a border: 0.7 to 1.5 ms in different runs, where doubling every number of the"
        " image takes 0.5 to 0.6; ratios from 13 to 26 were seen"
    ),
    "1024x1024, 3 to 3, k31: kernel adjoint": (
        "transforms, with which 31 to 40 were seen, let one pixel reach every output: they run where they are"
        " named. Blocks keep it local and are what is measured; running sums and copies of the kernel are"
        " slower"
    ),
    "1024x1024, 3 to 3, k31: forward": (
        "transforms, with which 10 to 13 were seen, run where they are named; blocks of 4 to 16 sites and"
        " loops over the rows of the kernel: no faster"
    ),
    "1x1, 56x56, 64 to 256: kernel adjoint": (
        "one matrix product; image by image, and as a convolution: slower; ratios from 3.9 to 7.7 were seen"
    ),
    "every case, direction and context, to the better lax layout": (
        "small layers in a loop body, whose borders of zeros are a pass of their own where XLA's naive loop"
        " has none: without a border, every term asking where the image ends, no faster there. Interleaving"
        " the phases of a small strided layer is such a pass too. One-channel images, once at 0.74, are not"
        " copied for their last axis any more; the kernel adjoint of 1 x 15, once at 0.67, is a band of"
        " matrix products"
    ),
    "transposed 28x28, 64 to 64, k4, stride 2: kernel adjoint": (
        "four phases, each by Eigen where that is faster; ratios from 88 to 106 were seen"
    ),
    "whole networks: geometric mean of the steps, to the better lax layout": (
        "profiles of the compiled steps (two cores, AVX-512): convolutions are 36 of 94 ms in WaveNet, 23"
        " of 49 in MobileNetV2, 40 of 70 in ConvNeXt; the rest is norms, activations and their gradients,"
        " XLA's for everybody, and the dense convolutions of WaveNet and the forward pass of ResNet-18"
        " are XLA's own on both sides. Input adjoints of deep layers as one product with the kernel as it"
        " lies: 110 to 79 ms of processor time in ResNet-18; maxima tap by tap: 96 to 89 in the U-Net;"
        " kernel adjoints of 1x1 layers with the smaller side transposed: 92 to 86 in ConvNeXt. Kernel"
        " adjoints of WaveNet as products per tap, or windows side by side: no faster; of small volumes"
        " slab by slab: no faster"
    ),
    "whole networks: step and forward pass, to the better lax layout": (
        "where it is below, both sides run the same dense convolutions of XLA, and the ratio is that of two"
        " equal programs: 0.98 to 1.02 from run to run"
    ),
    "whole networks: step and forward pass, to torch": (
        "in the U-Net more than half of a step is norms, rectifiers and joins, one pass over memory each in"
        " XLA; kernel adjoints of its first layers (8 channels, 24^3) reach 45 to 55 GFLOP/s as running"
        " sums, convolutions by rows, or products slab by slab, where the forward pass has 125 to 145"
    ),
    "whole networks: tracing and compiling a step, to lax NHWC": (
        "most of it is XLA's code generation, in proportion to the number and size of kernels that differ:"
        " equal ones are compiled once already, and equal layers are lowered once. Windows of up to 64 taps"
        " of one channel in one pass, its border with it: half the time of such a layer; windows that tile"
        " the image as one product instead of phases; kernel adjoints of small volumes row by row instead of"
        " in loops: half of theirs. A whole layer as a function of its own that XLA may not inline: no gain,"
        " it is copied for every call; optimisation barriers between layers: XLA drops them too early"
    ),
    "compiling a training step against lax NHWC": (
        "every loop that XLA has to compile costs 20 to 40 ms, and lax's three convolutions have none."
        " Tiles of transforms in a loop instead of written out: a third of the time; shifted copies as"
        " functions of their own: half of it in networks that repeat a layer; one border for a layer and its"
        " kernel adjoint; a single sum for all taps: no gain; equal blocks of rows: one loop instead of two."
        " Calls instead of a loop made depthwise layers faster, and take longer to compile"
    ),
    "a p4m group convolution, training step included, to the plain one of the expanded shape": (
        "the kernel is written in one pass, in less time than it takes to copy it: 0.35 ms of 8 with 256"
        " channels, where the plain convolution took 10 before it was Eigen's; ratios from 1.01 to 1.08 were"
        " seen"
    ),
    "dense convolutions outside loops, to lax NHWC": (
        "a layer with a stride, whose input adjoint by phases and kernel adjoint image by image are chosen"
        " for what they gain on other processors: 0.73 to 1.07 and 0.88 to 1.27 were seen here. `calibrate`"
        " decides by this machine"
    ),
    "call overhead, to a bare jitted lax.conv": (
        "a lowered op hands its plan to JAX's dispatch beside its weights and the image: 1.3 us in a call of"
        " 6.9. Inside jit it costs nothing, and `kn.conv` under jit is faster than lax there"
    ),
    "`import derive` beyond `import sympy`": (
        "0.1 s is NumPy and python-flint, which SymPy does not import; the rest is two hundred small modules"
    ),
    "neighbours of a threshold, what is chosen against the other choice": (
        "what wins on one machine, or on a quiet one, and loses on another is XLA's own by default: with"
        " other work beside it Eigen took 1.1 to 1.3 times as long in the same cells. `calibrate` decides by"
        " this machine"
    ),
}

"""Every number that the choice of an implementation turns on, and where each was measured.

The machines: (I) Intel Xeon with AVX-512, (M) AMD EPYC "Milan" with AVX2, (T) AMD EPYC "Turin" with AVX-512;
two cores each, jax 0.10.2. A default stands for what won on all of them. What won on one and lost on another
is XLA's own until `calibrate` has measured this machine; ``python -m benchmarks thresholds`` times both
neighbours of every crossing.

Numbers are read when a convolution is lowered. A program that has been compiled keeps the choices it has.
"""

from __future__ import annotations

from dataclasses import dataclass

NEVER = 1 << 40  # larger than any size


@dataclass(frozen=True)
class Thresholds:
    """The numbers of the rules in ``rules.py`` and of the algorithms, each with what it separates.

    In a kernel adjoint the batch is the layer's input channels, an input channel is a sample, and the sites
    of the output are the taps of the layer.

    >>> Thresholds().product_inputs
    16
    """

    # ---- matmul -------------------------------------------------------------------------------------------
    # Input channels from which a window of one site is a matrix product. Below, XLA's: the product is memory
    # traffic. I 16.
    product_inputs: int = 16

    # ---- shifted, with groups -----------------------------------------------------------------------------
    # Input channels per group up to which products are summed one by one, above them `grouped`. I 8, T 8.
    group_inputs: int = 8
    # Products (inputs x outputs) per group up to which likewise. I 64.
    group_products: int = 64
    # The same for a window of one site, where nothing is shifted. I 16.
    group_point_inputs: int = 16
    # Taps in a row of the kernel times inputs per group: what `shifted` writes out at once. I 32.
    group_row: int = 32
    # Kernel adjoint: groups from which a loop over rows beats one convolution per group ... I 8.
    adjoint_groups: int = 8
    # ... if a group has no more samples and no more outputs than this ... I 8.
    adjoint_group_channels: int = 8
    # ... and the kernel no more taps; or if samples x outputs are at most `adjoint_group_pairs`. I 9 and 4.
    adjoint_group_taps: int = 9
    adjoint_group_pairs: int = 4
    # Taps in a row of the layer's kernel up to which each has a running sum of its own. I 32.
    adjoint_row: int = 32

    # ---- few channels, no groups --------------------------------------------------------------------------
    # Pairs of channels (inputs x outputs) up to which these rules hold. I 16, T 16.
    pairs: int = 16
    # Terms (taps x inputs) up to which one pass over the image wins over `blocks`. I 32.
    pass_terms: int = 32
    # Taps from which blocks of sites as channels win over XLA's. I 9.
    block_taps: int = 9
    # Kernel adjoint: samples up to which running sums win ... I 8.
    adjoint_samples: int = 8
    # ... and taps in a row, in one dimension. I 8: from nine on XLA's own is faster.
    adjoint_line: int = 8
    # Kernel adjoint in two dimensions: taps of the layer from which `blocks` win over running sums. T 49
    # (15 x 15 on 512 x 512: 3.5 ms against 7.1; 31 x 31 with 3 channels on 256 x 256: 14 against 76).
    block_adjoint_taps: int = 49
    # Kernel adjoint of one long row: taps from which `bands` win, and pairs of channels up to which they do,
    # in one dimension (I 33 and 16) and for a row in two dimensions (I 9 and 1).
    band_line_taps: int = 33
    band_line_pairs: int = 16
    band_row_taps: int = 9
    band_row_pairs: int = 1
    # Kernel adjoint of few samples and channels: copies of the kernel make a product. I 2 and 16.
    unfold_samples: int = 2
    unfold_channels: int = 16

    # ---- zeros between the sites of the image -------------------------------------------------------------
    # Outputs and products from which a forward pass is computed phase by phase. I 8 and 2^23.
    phase_outputs: int = 8
    phase_products: int = 1 << 23

    # ---- many channels ------------------------------------------------------------------------------------
    # `eigen`, forward pass and input adjoint: products from which it is taken, with strides of one and with
    # longer ones. Never, by default: I 1.1 to 2.3 times as fast from 2^27 and 2^24 on, M 0.79 to 0.91 at 64
    # channels and 1.4 to 1.5 at 48, T 0.54 to 0.94 (1.26 once, at 80 channels).
    eigen_products: int = NEVER
    eigen_strided_products: int = NEVER
    # The sites of an image up to which it is considered. I 8192.
    eigen_sites: int = 8192
    # `eigen`, kernel adjoint: products, and channels on both sides from which it is taken. I and M from 64 on, up to 3 times
    # as fast; T 0.3 to 0.9 at 64 channels, 1.15 to 1.24 from 80 on.
    eigen_adjoint_products: int = 1 << 24
    eigen_adjoint_channels: int = 96
    # `pieces`, kernel adjoint: outputs from which, and bytes of images from which it pays to go image by
    # image (a piece has `piece_bytes`). I 32 and 3 MiB.
    piece_outputs: int = 32
    piece_images: int = 3 << 20

    # ---- what is written out, and what is kept in a second-level cache ------------------------------------
    # Terms in one function of `shifted`; compiling more takes longer than it saves. I 32.
    written_terms: int = 32
    # Terms that may read all channels of a group; more of them were slower than fewer channels. I 20.
    whole_terms: int = 20
    # Taps of one channel for which asking where the image ends costs less than a border. I 10.
    borderless_taps: int = 10
    # Calls of what is written out; a turn of a loop takes as long as three of them. I 32.
    calls: int = 32
    # Terms in one turn of the loop over the rows of a kernel. I 16.
    turn_terms: int = 16
    # Numbers in its running sums. I 2^16.
    sum_numbers: int = 1 << 16
    # Bytes of image and kernel in one turn of `pieces`. I 2^20.
    piece_bytes: int = 1 << 20


DEFAULT = Thresholds()

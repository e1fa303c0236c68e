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
    # Input channels from which a window of one site is a matrix product; below, XLA's own is as fast. I 16;
    # T 0.99 at 8, 1.1 times as fast at 16.
    product_inputs: int = 16

    # ---- with groups: `shifted`, or one convolution per group -------------------------------------------
    # Input channels per group up to which products are summed one by one. I 8; T 1.3 to 1.6 times as fast
    # at 16, 0.4 at 32.
    group_inputs: int = 16
    # Products (inputs x outputs) per group up to which likewise. I 64; T 1.8 times at 64, even at 128.
    group_products: int = 64
    # Input channels for a window of one site, where nothing is shifted. I 16; T 1.1 to 1.4 at 32, 0.5 at
    # 64.
    group_point_inputs: int = 32
    # Taps in a row of the kernel: all of them are written out, so this is a matter of compile time. T 1.7 to
    # 2.2 times as fast from 7 to 17, and at 31 still.
    group_row: int = 64
    # Kernel adjoint: groups from which a loop over rows beats one convolution per group ... I 8; T 3 times
    # as fast from 4 on, 0.4 to 0.9 with 2.
    adjoint_groups: int = 4
    # ... if a group has no more samples and no more outputs than this. I 8; T twice as fast at 8, with 9 to
    # 225 taps, and 0.6 at 12.
    adjoint_group_channels: int = 8
    # Or if samples x outputs are no more than this. I 4; T 2.3 times as fast at 8, 0.4 to 0.7 from 16 on.
    adjoint_group_pairs: int = 8
    # Taps in a row of the layer's kernel up to which each has a running sum of its own: compile time again.
    adjoint_row: int = 32

    # ---- few channels, no groups --------------------------------------------------------------------------
    # Pairs of channels (inputs x outputs) up to which `shifted` and `blocks` may be taken. I 16; T 1.3 to
    # 2.6 times as fast as XLA's at 64, 1.0 to 1.2 at 144.
    pairs: int = 64
    # The same for `blocks` with strides. T 1.9 times as fast at 24 with 7 x 7; at 36 1.3 with 5 x 5 and 0.8
    # with 3 x 3; 0.5 at 64.
    strided_pairs: int = 36
    # Channels on either side. T 1.3 times as fast with 16 and 1; 0.3 to 0.7 with 32 and 1.
    few_channels: int = 16
    # Terms (taps x inputs) up to which one pass over the image wins. I 32; T 1.2 times as fast at 49.
    pass_terms: int = 49
    # The same in three dimensions, where the other choice is `unfold`, and pairs of channels. T 1.2 times
    # as fast at 250 terms, 1.8 with 25 pairs, 0.7 with 36.
    volume_terms: int = 250
    volume_pairs: int = 25
    # Taps from which blocks of sites as channels win over XLA's. I 9; T 1.2 times as fast at 4.
    block_taps: int = 4
    # Kernel adjoint: running sums (pairs x taps of the layer) up to which `shifted` is taken; half as many
    # where `unfold` is the other choice. T 1.2 to 6 times as fast as XLA's from 576 to 4096; to `unfold` even
    # at 784 and 1024.
    adjoint_sums: int = 4096
    # ... if the terms of one (samples x pairs) are no more than this, or the pairs. I 8 samples; T 1.1 to 1.7
    # times as fast as XLA's up to 256, 0.8 at 768 with 12 pairs, 1.4 to 4 at any number with 8 or fewer.
    adjoint_terms: int = 256
    adjoint_pairs: int = 8
    # ... and taps in a row, in one dimension. I 8 and T 8: from nine on XLA's own is faster.
    adjoint_line: int = 8
    # Kernel adjoint in two dimensions: taps of the layer from which `blocks` win over running sums. T 0.8
    # at 49, 1.5 to 1.6 times as fast at 81, 4 at 225.
    block_adjoint_taps: int = 81
    # ... and pairs of channels up to which they do over `unfold`. T 1.2 to 3.7 times as fast with one, even
    # with 4; with 9 0.7 to 0.9 at 128 x 128 and twice as fast from 512 x 512 on; 0.4 to 0.6 from 16 on.
    block_adjoint_pairs: int = 9
    # Kernel adjoint of one long row: taps from which `bands` win, and pairs of channels up to which they
    # do, in one dimension (I 33 and 16; T 1.4 times as fast at 33, 1.3 to 1.4 with 64, 1.0 to 1.2 with 144)
    # and for a row in two dimensions (I 9 and 1; T 3 at 9, 1.9 times as fast with 2, even with 4).
    band_line_taps: int = 33
    band_line_pairs: int = 64
    band_row_taps: int = 9
    band_row_pairs: int = 4
    # Kernel adjoint of few samples and channels: copies of the kernel make a product. I 2 and 16; T twice
    # as fast there, 1.3 with 4 samples, even with 24 channels.
    unfold_samples: int = 2
    unfold_channels: int = 16

    # ---- many channels and few sites ----------------------------------------------------------------------
    # Input adjoint: pairs of channels from which, and sites of all samples for every channel up to which one
    # product with the kernel as it lies wins. T even at 96 channels and 2 sites for each, 1.1 to 1.3 times as
    # fast at 128, 1.3 to 3 at 256 and 512 (10 with 2 x 2 images); even or 0.7 from 3 sites on.
    column_pairs: int = 1 << 14
    column_rows: int = 2
    # Taps, each of which is a term of a sum that is written out.
    column_taps: int = 64

    # ---- zeros between the sites of the image -------------------------------------------------------------
    # Outputs and products from which a forward pass is computed phase by phase. I 8 and 2^23; T 1.1 times
    # as fast with 4, 0.9 with 2; 1.3 at 1.1 10^7 products.
    phase_outputs: int = 4
    phase_products: int = 1 << 23

    # ---- many channels ------------------------------------------------------------------------------------
    # `eigen`, forward pass and input adjoint: products from which it is taken, with strides of one and with
    # longer ones. Never, by default: I 1.1 to 2.3 times as fast from 2^27 and 2^24 on, M 0.79 to 0.91 at 64
    # channels and 1.4 to 1.5 at 48, T 0.54 to 0.94 (1.26 once, at 80 channels).
    eigen_products: int = NEVER
    eigen_strided_products: int = NEVER
    # The sites of an image up to which it is considered. I 8192.
    eigen_sites: int = 8192
    # `eigen`, kernel adjoint: products, and channels on both sides from which it is taken. I and M from 64
    # on, up to 3 times as fast; T 0.3 to 0.9 at 64 channels, 1.15 to 1.24 from 80 on.
    eigen_adjoint_products: int = 1 << 24
    eigen_adjoint_channels: int = 96
    # `pieces`, kernel adjoint: outputs from which, and bytes of images from which it pays to go image by
    # image (a piece has `piece_bytes`). I 32 and 3 MiB; T 0.75 at 2.4 and 0.81 at 4.9 MB, 1.4 times as fast
    # at 9.6 MB, 0.9 with 32 outputs.
    piece_outputs: int = 32
    piece_images: int = 6 << 20

    # ---- what is written out, and what is kept in a second-level cache ------------------------------------
    # Terms in one function of `shifted`; compiling more takes longer than it saves. I 32.
    written_terms: int = 32
    # The same for one channel, all of them in one pass: T half the time to compile of a pass for every row.
    one_channel_terms: int = 64
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

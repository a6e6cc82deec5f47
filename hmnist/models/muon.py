"""Muon for convolutions: steps whose singular values are all about one.

Muon (Jordan et al. 2024) replaces the momentum of a weight matrix by the nearest orthogonal matrix,
found by a few Newton–Schulz iterations, so that no direction of the kernel is neglected. Keras'
own Muon serves matrices; this one serves convolution kernels, flattened to (inputs, outputs), and
leaves all other weights to AdamW, as Keras' does.
"""

from typing import Any

import keras
from keras import ops


class ConvolutionMuon(keras.optimizers.Muon):
    """`keras.optimizers.Muon` on convolution kernels; everything else moves by AdamW."""

    def _should_use_adamw(self, variable: Any) -> bool:
        return len(variable.shape) != 4

    def _muon_update_step(self, gradient: Any, variable: Any, lr: Any, m: Any) -> None:
        self.assign(m, m * self.momentum + gradient)
        matrix = ops.reshape(gradient + self.momentum * m, (-1, variable.shape[-1]))
        step = self.lr_adjust(lr * self.zeropower_via_newtonschulz5(matrix, self.ns_steps))
        self.assign_sub(variable, ops.reshape(step, variable.shape))

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return the nearest orthogonal matrix, roughly: shape of `x`.

        The iteration is Keras', done on the small matrix of inner products instead of on the tall
        kernel itself: the same polynomial of the singular values at a third of the cost.
        """
        x = x / (ops.norm(x) + 1e-7)
        tall = x.shape[0] > x.shape[1]
        products = ops.matmul(ops.transpose(x), x) if tall else ops.matmul(x, ops.transpose(x))
        identity = total = ops.eye(products.shape[0])
        for _ in range(steps):
            factor = self.muon_a * identity + self.muon_b * products
            factor += self.muon_c * ops.matmul(products, products)
            total = ops.matmul(factor, total)
            products = ops.matmul(factor, ops.matmul(products, factor))
            # Rounding would let it drift from symmetry, and then from convergence.
            products = 0.5 * (products + ops.transpose(products))
        return ops.matmul(x, total) if tall else ops.matmul(total, x)

"""An answer as data for machines: plain texts and lists, exact numbers as texts."""

from __future__ import annotations

from typing import Any

import sympy

import derive as dv
from cli.answer import Checks
from cli.question import Question
from cli.script import script

SCHEMA = "equiderive/solve/1"  # the number grows when a key changes its meaning or goes


def as_data(question: Question, checks: Checks, steps: bool) -> dict[str, Any]:
    """What `derive solve --json` prints; docs/command_line.md says what every key means."""
    solution, asked = question.solution, question.asked
    infinite = sympy.oo in (solution.dim, solution.bias_dim)
    data: dict[str, Any] = {
        "schema": SCHEMA,
        "question": {
            "symmetry": asked.symmetry,
            "in": asked.into,
            "out": asked.out,
            "kernel": asked.kernel,
            "dilation": asked.dilation,
            "stride": asked.stride,
            "upsample": asked.upsample,
            "lattice": asked.lattice,
            "bias": asked.bias,
        },
        "equations": {
            name: _equations(getattr(solution, name))
            for name in ("operator", "equation", "constraint", "form", "layer")
        },
        "dim": _exact(solution.dim),
        "bias_dim": _exact(solution.bias_dim),
        "symbols": list(question.symbols),
        "assumptions": [dv.text(a) for a in solution.assumptions],
        "tying": str(solution.tying),
        "certificate": _certificate(checks),
        "code": None if infinite else script(question),
    }
    if steps:
        data["derivation"] = {
            "checked": not checks.derivation,
            "complaint": checks.derivation or None,
            "steps": [_step(step) for step in solution.derivation],
        }
    return data


def _exact(number: Any) -> str:
    """An integer, an expression such as 9*C*D, or oo."""
    return str(sympy.sympify(number))


def _equations(found: sympy.Basic) -> list[dict[str, str]]:
    listed = found.args if isinstance(found, sympy.Tuple) else (found,)
    return [{"text": dv.text(equation), "latex": dv.latex(equation)} for equation in listed]


def _certificate(checks: Checks) -> dict[str, Any]:
    found = checks.certificate
    return {
        "holds": found.holds,
        "residual": _exact(found.residual),
        "independent": found.independent,
        "dim": _exact(found.dim),
        "expected_dim": None if found.expected_dim is None else _exact(found.expected_dim),
        "method": found.method,
        "scope": found.scope,
    }


def _step(step: dv.Step) -> dict[str, Any]:
    return {"rule": step.rule, "because": step.because, "after": _equations(step.after)}

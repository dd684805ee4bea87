"""A suite run by hand: all of it on one kernel, to see what it calls, or whether it finds a broken one out."""

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, cast

import pytest

from holdfast.host.kernel import Kernel
from holdfast.testing.conformance.kernel import SUITE
from holdfast.testing.conformance.kernel.harness import KernelHarness

Test = Callable[[KernelHarness], None]
# What a test that fails raises; pytest's own failure is no Exception.
_FAILURES = (Exception, pytest.fail.Exception)


def tests(suite: Iterable[type]) -> Iterator[tuple[str, Test]]:
    """Each test of the classes with each of its parameters, by name."""
    for each in suite:
        for name, function in inspect.getmembers(each, inspect.isfunction):
            if name.startswith("test_"):
                for values in _parameters(function):
                    yield f"{each.__name__}.{name}{values or ''}", _bound(each, name, values)


def _bound(suite: type, name: str, values: dict[str, Any]) -> Test:
    return lambda harness: getattr(suite(), name)(harness, **values)


def _parameters(function: Callable[..., None]) -> Iterator[dict[str, Any]]:
    """As pytest.mark.parametrize gives them."""
    choices: list[list[dict[str, Any]]] = []
    for mark in getattr(function, "pytestmark", []):
        names, values = mark.args
        if isinstance(names, str):
            choices.append([{names: value} for value in values])
        else:
            choices.append([dict(zip(names, value, strict=True)) for value in values])
    for combination in itertools.product(*choices):
        yield {name: value for chosen in combination for name, value in chosen.items()}


def failures(make: Callable[[], AbstractContextManager[KernelHarness]], suite: Iterable[type] = SUITE) -> list[str]:
    """The names of the tests that fail, each on a machine of its own."""
    found = []
    for name, test in tests(suite):
        try:
            with make() as harness:
                test(harness)
        except _FAILURES:
            found.append(name)
    return found


class _Recording:
    def __init__(self, kernel: Kernel, called: set[str]) -> None:
        self._kernel = kernel
        self._called = called

    def __getattr__(self, name: str) -> Any:
        self._called.add(name)
        return getattr(self._kernel, name)


def recording(kernel: Kernel, called: set[str]) -> Kernel:
    """The same kernel; what is called of it is added to `called`."""
    return cast("Kernel", _Recording(kernel, called))
